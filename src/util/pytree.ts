/**
 * Trees of arrays and plain objects, and their leaves.
 *
 * @module
 */

/** Arrays and plain objects, nested, with leaves of type `T`. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** An object that is a branch of trees. */
export abstract class TreeNode {
  /** What it is made of. */
  abstract get children(): readonly unknown[];
  /** One of its kind, made of these. */
  abstract withChildren(children: readonly unknown[]): unknown;
}

/** Whether `value` is an object literal (or has no prototype). */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether `value` is an inner node. */
export function isBranch(
  value: unknown,
): value is readonly unknown[] | Record<string, unknown> | TreeNode {
  return Array.isArray(value) || isPlainObject(value) || value instanceof TreeNode;
}

/** The leaves, arrays in order, objects by sorted key as in Keras's tree. */
export function flatten(tree: unknown): unknown[] {
  const leaves: unknown[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    else if (isPlainObject(node)) for (const key of Object.keys(node).sort()) visit(node[key]);
    else if (node instanceof TreeNode) for (const child of node.children) visit(child);
    else leaves.push(node);
  };
  visit(tree);
  return leaves;
}

/** A tree of the same structure with each leaf replaced. */
export function mapTree(tree: unknown, fn: (leaf: unknown, index: number) => unknown): unknown {
  let index = 0;
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (isPlainObject(node)) {
      const mapped: Record<string, unknown> = {};
      // Visited in the order of flatten, kept in the object's own order.
      const values = new Map(
        Object.keys(node)
          .sort()
          .map((key) => [key, visit(node[key])]),
      );
      for (const key of Object.keys(node)) mapped[key] = values.get(key);
      return mapped;
    }
    if (node instanceof TreeNode) return node.withChildren(node.children.map(visit));
    return fn(node, index++);
  };
  return visit(tree);
}

/** The tree of this structure with the given leaves. */
export function unflatten(structure: unknown, leaves: readonly unknown[]): unknown {
  return mapTree(structure, (_, index) => leaves[index]);
}

/** Whether two trees branch alike. */
export function sameStructure(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, i) => sameStructure(item, b[i]))
    );
  }
  if (isPlainObject(a)) {
    if (!isPlainObject(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && sameStructure(a[key], b[key]))
    );
  }
  if (a instanceof TreeNode) {
    return (
      b instanceof TreeNode &&
      a.constructor === b.constructor &&
      sameStructure(a.children, b.children)
    );
  }
  return !isBranch(b);
}
