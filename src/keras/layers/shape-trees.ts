/**
 * Shapes of several inputs, in trees.
 *
 * @module
 */
import { Tensor } from "../../tensor/tensor.ts";
import { isPlainObject, mapTree } from "../../util/pytree.ts";
import { KerasTensor, type SymbolicShape } from "../keras-tensor.ts";

/** Shapes of inputs: one, or a tree of them. */
// biome-ignore lint/suspicious/noExplicitAny: overrides narrow it to what they take
export type InputShape = any;

/** Whether a value is one shape: an array of lengths. */
export function isShape(value: unknown): value is SymbolicShape {
  return Array.isArray(value) && value.every((dim) => dim === null || typeof dim === "number");
}

/** Replaces each shape in a tree of shapes. */
export function mapShapes(shapes: unknown, fn: (shape: SymbolicShape) => unknown): unknown {
  if (isShape(shapes)) return fn(shapes);
  if (Array.isArray(shapes)) return shapes.map((item) => mapShapes(item, fn));
  if (isPlainObject(shapes)) {
    return Object.fromEntries(
      Object.entries(shapes).map(([key, item]) => [key, mapShapes(item, fn)]),
    );
  }
  return shapes;
}

/** The shapes of a tree of tensors. */
export function shapesOf(inputs: unknown): unknown {
  return mapTree(inputs, (leaf) =>
    leaf instanceof Tensor || leaf instanceof KerasTensor ? [...leaf.shape] : null,
  );
}
