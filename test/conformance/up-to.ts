/**
 * Results that Keras fixes only up to signs, or to order and phase: ours are
 * brought to those of the expected ones before they are compared.
 *
 * @module
 */
import { ComplexTensor, Tensor, tensor } from "../../src/index.ts";
import type { Case } from "./run-case.ts";
import { type CaseArray, type Json, numbersOf } from "./values.ts";

/** Which outputs a sign is common to: of their columns, or of their rows. */
const signed: Readonly<Record<string, readonly (readonly [output: number, byRow: boolean])[]>> = {
  "keras.ops.eigh": [[1, false]],
  "keras.ops.qr": [
    [0, false],
    [1, true],
  ],
  "keras.ops.svd": [
    [0, false],
    [2, true],
  ],
};

/** The output of a case, with the free signs, order and phases of the expected one. */
export async function alignedWith(test: Case, output: unknown, expected: Json): Promise<unknown> {
  const upTo = test["up_to"];
  if ((upTo !== "sign" && upTo !== "order and phase") || !Array.isArray(output)) return output;
  const wanted = (expected as unknown as { $tuple: { $array: CaseArray }[] }).$tuple.map(
    ({ $array }) => $array,
  );
  // What does not fit is left: the comparison says why.
  const fits = output.every(
    (x, i) =>
      (x instanceof Tensor || x instanceof ComplexTensor) &&
      x.shape.join() === wanted[i]?.shape.join(),
  );
  if (!fits) return output;
  return upTo === "sign"
    ? withSigns(test["name"] as string, output as Tensor[], wanted)
    : withOrder(output as ComplexTensor[], wanted);
}

async function withSigns(
  name: string,
  output: readonly Tensor[],
  wanted: readonly CaseArray[],
): Promise<Tensor[]> {
  const groups = signed[name];
  if (groups === undefined) throw new Error(`${name}: which signs are free?`);
  const values = await Promise.all(output.map(async (x) => Array.from(await x.data(), Number)));
  // The sign of a vector is that of its product with the first output's.
  const signs: Map<string, number> = new Map();
  for (const [at, byRow] of groups) {
    const own = values[at] as number[];
    const other = numbersOf(wanted[at] as CaseArray);
    const [rows, columns] = (output[at] as Tensor).shape.slice(-2) as [number, number];
    const vectorOf = (i: number): string => {
      const batch = Math.floor(i / (rows * columns));
      return `${batch} ${byRow ? Math.floor(i / columns) % rows : i % columns}`;
    };
    const products = new Map<string, number>();
    for (const [i, value] of own.entries()) {
      const key = vectorOf(i);
      products.set(key, (products.get(key) ?? 0) + value * (other[i] as number));
    }
    for (const [key, product] of products) {
      if (!signs.has(key)) signs.set(key, product < 0 ? -1 : 1);
    }
    for (const i of own.keys()) own[i] = (own[i] as number) * (signs.get(vectorOf(i)) as number);
  }
  return output.map((x, i) =>
    tensor(values[i] as number[], { shape: [...x.shape], dtype: x.dtype }),
  );
}

type Complex = readonly [number, number];

async function withOrder(
  output: readonly ComplexTensor[],
  wanted: readonly CaseArray[],
): Promise<ComplexTensor[]> {
  const [values, vectors] = output as readonly [ComplexTensor, ComplexTensor];
  const pairs = (list: ArrayLike<number>): Complex[] =>
    Array.from({ length: list.length / 2 }, (_, i) => [
      list[2 * i] as number,
      list[2 * i + 1] as number,
    ]);
  const ownValues = pairs(await values.data());
  const ownVectors = pairs(await vectors.data());
  const [otherValues, otherVectors] = wanted.map((array) => pairs(numbersOf(array))) as [
    Complex[],
    Complex[],
  ];
  const n = values.shape.at(-1) as number;
  const newValues: Complex[] = [];
  const newVectors: Complex[] = new Array(ownVectors.length);
  for (let b = 0; b < ownValues.length / n; b++) {
    const left = Array.from({ length: n }, (_, k) => k);
    for (let k = 0; k < n; k++) {
      const target = otherValues[b * n + k] as Complex;
      const distance = (at: number): number => {
        const [re, im] = ownValues[b * n + at] as Complex;
        return Math.hypot(re - target[0], im - target[1]);
      };
      const best = left.reduce((a, c) => (distance(c) < distance(a) ? c : a));
      left.splice(left.indexOf(best), 1);
      newValues.push(ownValues[b * n + best] as Complex);
      // The phase of the product of the expected vector and the conjugate of ours.
      let [re, im] = [0, 0];
      for (let i = 0; i < n; i++) {
        const [x, y] = ownVectors[(b * n + i) * n + best] as Complex;
        const [u, v] = otherVectors[(b * n + i) * n + k] as Complex;
        re += x * u + y * v;
        im += x * v - y * u;
      }
      const size = Math.hypot(re, im);
      for (let i = 0; i < n; i++) {
        const [x, y] = ownVectors[(b * n + i) * n + best] as Complex;
        newVectors[(b * n + i) * n + k] = [(x * re - y * im) / size, (x * im + y * re) / size];
      }
    }
  }
  const rebuilt = (list: readonly Complex[], like: ComplexTensor): ComplexTensor => {
    const part = (at: 0 | 1): Tensor =>
      tensor(
        list.map((pair) => pair[at]),
        { shape: [...like.shape], dtype: like.real.dtype },
      );
    return new ComplexTensor(part(0), part(1));
  };
  return [rebuilt(newValues, values), rebuilt(newVectors, vectors)];
}
