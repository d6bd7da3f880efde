/**
 * Sums of products by subscripts.
 *
 * @module
 */
import { floatx } from "../runtime/precision.ts";
import { castTo } from "../tensor/cast.ts";
import {
  type PublicOp,
  publicOp,
  requiredArgument,
  variadicArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type DType, resultType } from "../util/dtypes.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { sizeOf } from "../util/shapes.ts";
import { multiply } from "./arithmetic.ts";
import { broadcastOver, reshapeTo, sumOver } from "./broadcasting.ts";
import { diagonalOfLast } from "./diagonals.ts";
import { type Label, parseEinsum } from "./einsum-parse.ts";
import { matrixProduct } from "./linear.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { permute } from "./shaping.ts";

/** A tensor whose axes have names, all different. */
interface Operand {
  readonly x: Tensor;
  readonly labels: readonly Label[];
}

type Sizes = ReadonlyMap<Label, number>;

/** The axes of `x` in the order of `labels`. */
function arrange({ x, labels: own }: Operand, labels: readonly Label[]): Tensor {
  return permute(
    x,
    labels.map((label) => own.indexOf(label)),
  );
}

/** Takes the diagonal of axes with one name. */
function withoutRepeats(operand: Operand): Operand {
  let { x, labels } = operand;
  for (;;) {
    const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
    if (second < 0) return { x, labels };
    const label = labels[second] as Label;
    const first = labels.indexOf(label);
    const rest = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
    const own = labels;
    x = diagonalOfLast(permute(x, [...rest, first, second]));
    labels = [...rest.map((i) => own[i] as Label), label];
  }
}

/** Drops axes of length 1 that others have longer: these broadcast. */
function squeezed({ x, labels }: Operand, sizes: Sizes): Operand {
  const held = labels.filter((label, i) => x.shape[i] === sizes.get(label));
  const shape = held.map((label) => sizes.get(label) as number);
  return { x: reshapeTo(x, shape), labels: held };
}

/** Sums over axes that nobody else needs. */
function reduced({ x, labels }: Operand, needed: ReadonlySet<Label>): Operand {
  const summed = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
  return { x: sumOver(x, summed), labels: labels.filter((label) => needed.has(label)) };
}

const elements = (labels: readonly Label[], sizes: Sizes): number =>
  sizeOf(labels.map((label) => sizes.get(label) as number));

/** The labels of the product of two operands: theirs that others need. */
function labelsOfPair(a: Operand, b: Operand, needed: ReadonlySet<Label>): Label[] {
  return [...new Set([...a.labels, ...b.labels])].filter((label) => needed.has(label));
}

/**
 * Two operands into one. Labels of both are batch axes where the result needs
 * them, else contracted: one batched matrix product, whose operands are read
 * transposed rather than moved where they lie so.
 */
function contractPair(a: Operand, b: Operand, needed: ReadonlySet<Label>, sizes: Sizes): Operand {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const lengths = (of: readonly Label[]): number[] => of.map((label) => sizes.get(label) as number);
  if (inner.length === 0) {
    const left = reshapeTo(arrange(a, [...batch, ...rows]), [
      ...lengths(batch),
      ...lengths(rows),
      ...columns.map(() => 1),
    ]);
    const right = reshapeTo(arrange(b, [...batch, ...columns]), [
      ...lengths(batch),
      ...rows.map(() => 1),
      ...lengths(columns),
    ]);
    return { x: multiply(left, right), labels };
  }
  const m = elements(rows, sizes);
  const k = elements(inner, sizes);
  const n = elements(columns, sizes);
  const outer = batch.length === 0 ? [] : [elements(batch, sizes)];
  const inOrder = (operand: Operand, order: readonly Label[]): boolean =>
    operand.labels.every((label, i) => label === order[i]);
  const transposeA = inOrder(a, [...batch, ...inner, ...rows]);
  const transposeB = inOrder(b, [...batch, ...columns, ...inner]);
  const left = transposeA
    ? reshapeTo(a.x, [...outer, k, m])
    : reshapeTo(arrange(a, [...batch, ...rows, ...inner]), [...outer, m, k]);
  const right = transposeB
    ? reshapeTo(b.x, [...outer, n, k])
    : reshapeTo(arrange(b, [...batch, ...inner, ...columns]), [...outer, k, n]);
  const product = matrixProduct(left, right, transposeA, transposeB);
  return { x: reshapeTo(product, lengths(labels)), labels };
}

/**
 * The pair to contract next: whose result grows least over its operands, then
 * the one with fewer multiplications.
 */
function nextPair(
  operands: readonly Operand[],
  neededBeside: (i: number, j: number) => ReadonlySet<Label>,
  sizes: Sizes,
): [number, number] {
  let best: [number, number] = [0, 1];
  let growth = Number.POSITIVE_INFINITY;
  let work = Number.POSITIVE_INFINITY;
  for (let i = 0; i < operands.length; i++) {
    for (let j = i + 1; j < operands.length; j++) {
      const a = operands[i] as Operand;
      const b = operands[j] as Operand;
      const result = elements(labelsOfPair(a, b, neededBeside(i, j)), sizes);
      const grown = result - elements(a.labels, sizes) - elements(b.labels, sizes);
      const cost = elements([...new Set([...a.labels, ...b.labels])], sizes);
      if (grown < growth || (grown === growth && cost < work)) {
        best = [i, j];
        growth = grown;
        work = cost;
      }
    }
  }
  return best;
}

function contract(subscripts: string, tensors: readonly Tensor[]): Tensor {
  const { inputs, output, sizes } = parseEinsum(
    subscripts,
    tensors.map((x) => x.shape),
  );
  let operands = tensors.map((x, i) =>
    squeezed(withoutRepeats({ x, labels: inputs[i] as Label[] }), sizes),
  );
  const neededBeside = (...skipped: number[]): ReadonlySet<Label> =>
    new Set([
      ...output,
      ...operands.flatMap(({ labels }, i) => (skipped.includes(i) ? [] : labels)),
    ]);
  operands = operands.map((operand, i) => reduced(operand, neededBeside(i)));
  while (operands.length > 1) {
    const [i, j] = nextPair(operands, neededBeside, sizes);
    const pair = contractPair(
      operands[i] as Operand,
      operands[j] as Operand,
      neededBeside(i, j),
      sizes,
    );
    operands = [...operands.filter((_, k) => k !== i && k !== j), pair];
  }
  const [last] = operands as [Operand];
  const present = output.filter((label) => last.labels.includes(label));
  const shape = output.map((label) => sizes.get(label) as number);
  const aligned = reshapeTo(
    arrange(last, present),
    output.map((label, i) => (present.includes(label) ? (shape[i] as number) : 1)),
  );
  return broadcastOver(aligned, shape);
}

/** The dtype of a result, and that of the sums. */
function dtypesOf(tensors: readonly Tensor[]): { compute: DType; result: DType } {
  const dtypes = new Set(tensors.map((x) => x.dtype));
  // int8 alone would overflow at once.
  const isBytes = dtypes.size === 1 && dtypes.has("int8");
  const result = isBytes ? "int32" : resultType([...dtypes], floatx());
  return { compute: result === "bool" ? "int32" : result, result };
}

/**
 * Sums of products of tensors, as subscripts say: a letter for each axis,
 * letters that the output lacks are summed over, `...` stands for any axes.
 * Contracted in pairs, the cheapest first, as batched matrix products.
 *
 * @throws {ArgumentError} If the subscripts are malformed.
 * @throws {ShapeError} If they do not fit the shapes.
 * @example
 * await ops.einsum("ij,jk->ik", [[1, 2], [3, 4]], [[1], [10]]).array(); // [[21], [43]]
 */
export const einsum: PublicOp<(subscripts: string, ...operands: TensorLike[]) => Tensor> = publicOp(
  "keras.ops.einsum",
  { subscripts: requiredArgument, operands: variadicArgument },
  (subscripts, ...operands) => {
    if (typeof subscripts !== "string") {
      throw new ArgumentError(
        `einsum: expected subscripts such as "ij,jk->ik" first, got ${describe(subscripts)}.`,
        { op: "einsum" },
      );
    }
    const tensors = operands.map((x) => toTensor("einsum", x));
    const { compute, result } = dtypesOf(tensors);
    return castTo(
      contract(
        subscripts,
        tensors.map((x) => castTo(x, compute)),
      ),
      result,
    );
  },
);
