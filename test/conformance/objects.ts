/**
 * Cases of small objects: `initializer`, `regularizer`, `constraint`,
 * `schedule`.
 *
 * @module
 */
import { jit, saving, Tensor, type Variable } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { differenceOfSample, runOn } from "./ops.ts";
import { type CaseRunner, withAlternatives } from "./run-case.ts";
import { type CaseArray, decode, difference, type Json, toTensor } from "./values.ts";

/** The object of a `$keras` value. */
export function makeObject<T>(value: unknown): T {
  return saving.deserializeKerasObject((value as { $keras: unknown }).$keras) as T;
}

/** `initializer`: the numbers, or their statistics. */
export const runInitializer: CaseRunner = async (test, mode) => {
  const initializer = makeObject<(shape: number[], options: { dtype?: DType }) => Tensor>(
    test["initializer"],
  );
  const shape = test["shape"] as number[];
  const dtype = (decode((test["dtype"] ?? "float32") as Json) ?? "float32") as DType;
  const draw = (): Tensor => runOn(mode, [], () => initializer(shape, { dtype }));
  if (test["random"] === true) {
    const sample = draw();
    if (sample.dtype !== dtype) return `dtype ${sample.dtype}`;
    const properties = test["properties"] as Parameters<typeof differenceOfSample>[1] & {
      gram_diagonal?: number;
      gram_off_diagonal?: number;
    };
    const reason = await differenceOfSample(sample, properties);
    if (reason !== null || properties.gram_diagonal === undefined) return reason;
    return differenceOfGram(sample, properties.gram_diagonal);
  }
  if (test["outputs"] !== undefined) {
    for (let i = 0; i < (test["times"] as number); i++) {
      const expected = (test["outputs"] as Json[])[i] as Json;
      const reason = await difference(draw(), expected, test.tol, `outputs[${i}]`);
      if (reason !== null) return reason;
    }
    return null;
  }
  const output = draw();
  return withAlternatives(test, (expected) =>
    difference(output, expected["output"] as Json, test.tol),
  );
};

async function differenceOfGram(sample: Tensor, diagonal: number): Promise<string | null> {
  const values = Array.from((await sample.data()) as Iterable<number>);
  const columns = sample.shape.at(-1) as number;
  const rows = values.length / columns;
  const at = (r: number, c: number): number => values[r * columns + c] as number;
  const vectors = Math.min(rows, columns);
  const along = rows <= columns;
  for (let i = 0; i < vectors; i++) {
    for (let j = 0; j < vectors; j++) {
      let dot = 0;
      for (let k = 0; k < Math.max(rows, columns); k++) {
        dot += along ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
      }
      const expected = i === j ? diagonal : 0;
      if (Math.abs(dot - expected) > 1e-3 * Math.max(1, diagonal))
        return `gram[${i}][${j}] is ${dot}`;
    }
  }
  return null;
}

/** `regularizer` and `constraint`: a function of one array. */
export function runFunctionObject(field: "regularizer" | "constraint"): CaseRunner {
  return async (test, mode) => {
    const object = makeObject<(x: Tensor | Variable) => Tensor>(test[field]);
    const input = toTensor((test["input"] as { $array: CaseArray }).$array);
    const output = runOn(mode, [input], (x) => object(x));
    return withAlternatives(test, (expected) =>
      difference(output, expected["output"] as Json, test.tol),
    );
  };
}

/** `schedule`: the rate at each step. */
export const runSchedule: CaseRunner = async (test, mode) => {
  const schedule = makeObject<(step: number | Tensor) => Tensor | number>(test["schedule"]);
  const compiled = jit((step: Tensor) => schedule(step));
  const values: unknown[] = [];
  for (const step of test["steps"] as number[]) {
    values.push(await asNumber(mode === "jit" ? compiled(stepTensor(step)) : schedule(step)));
  }
  return withAlternatives(test, (expected) => {
    const wanted = (expected["values"] as Json[]).map((v) => v);
    return difference(values, wanted, test.tol, "values");
  });
};

function stepTensor(step: number): Tensor {
  return toTensor({
    dtype: "int32",
    shape: [],
    data: Buffer.from(new Int32Array([step]).buffer).toString("base64"),
  });
}

async function asNumber(value: unknown): Promise<unknown> {
  return value instanceof Tensor ? Number(await value.item()) : value;
}
