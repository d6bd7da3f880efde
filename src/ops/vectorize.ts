/**
 * Functions of elements as functions of tensors.
 *
 * @module
 */
import { type PublicOp, publicOp, requiredArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, formatShape, ShapeError } from "../util/errors.ts";
import { flatten, mapTree } from "../util/pytree.ts";
import { broadcastShapes, type Shape, sizeOf } from "../util/shapes.ts";
import { broadcastOver, reshapeTo } from "./broadcasting.ts";
import { stack } from "./joining.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { sliceAxis } from "./shaping.ts";

/** Options of `vectorize`. */
export interface VectorizeOptions {
  /** Places of arguments that are passed on as they are. */
  excluded?: Iterable<number> | null | undefined;
  /** The axes that the function itself takes and gives: `"(m,n),(n)->(m)"`. */
  signature?: string | null | undefined;
}

/** The names of the axes of each argument of a signature. */
function coreAxes(signature: string): string[][] {
  const [inputs, outputs, ...more] = signature.replace(/\s+/g, "").split("->");
  const term = /^\((\w+(,\w+)*)?\)$/;
  const terms = (inputs ?? "").split(/(?<=\)),/);
  if (outputs === undefined || more.length > 0 || !terms.every((text) => term.test(text))) {
    throw new ArgumentError(
      `vectorize: "${signature}" is no signature; expected such as "(m,n),(n)->(m)".`,
      { op: "vectorize" },
    );
  }
  return terms.map((text) => (text === "()" ? [] : text.slice(1, -1).split(",")));
}

/**
 * A function that calls `pyfunc` for every element of its arguments, which
 * broadcast, or with a signature for every sub-array that it names, and puts
 * the results together.
 *
 * @example
 * const clipped = ops.vectorize((x) => ops.minimum(x, 1));
 * await clipped([0.5, 2]).array(); // [0.5, 1]
 */
export const vectorize: PublicOp<
  <R>(
    pyfunc: (...args: never[]) => R,
    options?: VectorizeOptions,
  ) => (...args: (TensorLike | unknown)[]) => R
> = publicOp(
  "keras.ops.vectorize",
  { pyfunc: requiredArgument, excluded: null, signature: null },
  <R>(pyfunc: (...args: never[]) => R, { excluded, signature }: VectorizeOptions = {}) => {
    const left = new Set(excluded ?? []);
    const axes = signature === undefined || signature === null ? null : coreAxes(signature);
    return (...args: unknown[]): R => {
      const mapped = args.map((arg, i) =>
        left.has(i) ? null : toTensor("vectorize", arg as TensorLike),
      );
      const tensors = mapped.filter((x): x is Tensor => x !== null);
      if (axes !== null && axes.length !== tensors.length) {
        throw new ArgumentError(
          `vectorize: the signature has ${axes.length} arguments, the call ${tensors.length}.`,
          { op: "vectorize" },
        );
      }
      const ranks = tensors.map((_, i) => axes?.[i]?.length ?? 0);
      checkCore(tensors, axes);
      const loops = tensors.map((x, i) => x.shape.slice(0, x.ndim - (ranks[i] as number)));
      const loop = loops.reduce<Shape>((a, b) => broadcastShapes("vectorize", a, b), []);
      const count = sizeOf(loop);
      const rows = tensors.map((x, i) => {
        const core = x.shape.slice(x.ndim - (ranks[i] as number));
        return reshapeTo(broadcastOver(x, [...loop, ...core]), [count, ...core]);
      });
      const call = (k: number): R => {
        let next = 0;
        const given = args.map((arg, i) => {
          if (mapped[i] === null) return arg;
          const row = rows[next++] as Tensor;
          return reshapeTo(sliceAxis(row, 0, k, k + 1), row.shape.slice(1));
        });
        return pyfunc(...(given as never[]));
      };
      if (count === 0) {
        throw new ShapeError(
          `vectorize: there is no element to call the function for: arguments ` +
            `${tensors.map((x) => formatShape(x.shape)).join(", ")}.`,
          { op: "vectorize", shapes: tensors.map((x) => x.shape) },
        );
      }
      const results = Array.from({ length: count }, (_, k) => call(k));
      const leaves = results.map((result) => flatten(result) as TensorLike[]);
      let leaf = 0;
      return mapTree(results[0], () => {
        const at = leaf++;
        const parts = stack(leaves.map((list) => toTensor("vectorize", list[at] as TensorLike)));
        return reshapeTo(parts, [...loop, ...parts.shape.slice(1)]);
      }) as R;
    };
  },
);

/** @throws {ShapeError} If an argument lacks axes of the signature, or axes of one name differ. */
function checkCore(tensors: readonly Tensor[], axes: readonly (readonly string[])[] | null): void {
  if (axes === null) return;
  const sizes = new Map<string, number>();
  for (const [i, x] of tensors.entries()) {
    const names = axes[i] as readonly string[];
    const core = x.shape.slice(Math.max(0, x.ndim - names.length));
    for (const [k, name] of names.entries()) {
      const length = core[k];
      if (
        length === undefined ||
        core.length < names.length ||
        (sizes.get(name) ?? length) !== length
      ) {
        throw new ShapeError(
          `vectorize: argument ${i} of shape ${formatShape(x.shape)} does not fit ` +
            `(${names.join(",")})${sizes.has(name) ? ` with ${name} = ${sizes.get(name)}` : ""}.`,
          { op: "vectorize", shapes: tensors.map((t) => t.shape) },
        );
      }
      sizes.set(name, length);
    }
  }
}
