/**
 * Ops on a million elements, beside NumPy.
 *
 * @module
 */
import { ops, type Tensor, tensor, tidy } from "../src/index.ts";
import { type Figure, nanosecondsOf } from "./measure.ts";
import { Numpy } from "./peers/numpy.ts";

interface Case {
  readonly name: string;
  readonly run: () => Tensor;
  /** The same in NumPy, on the arrays of `setup`. */
  readonly numpy: string;
  readonly calls?: number;
}

const count = 1_000_000;

/** The same numbers on both sides. */
const setup = `
n = ${count}
i = np.arange(n)
x = (((i * 7919) % 1000003) / 1000003 - 0.5).astype(np.float32)
m = x.reshape(1000, 1000)
p = np.abs(x) + np.float32(0.1)
k = ((i * 7919) % n).astype(np.int32)
few = ((i * 7919) % 1000).astype(np.int32)
half = x[:524288]
`;

function cases(): Case[] {
  const values = Float32Array.from(
    { length: count },
    (_, i) => ((i * 7919) % 1000003) / 1000003 - 0.5,
  );
  const x = tensor(values);
  const m = ops.reshape(x, [1000, 1000]);
  const p = ops.add(ops.absolute(x), 0.1);
  const k = tensor(Int32Array.from({ length: count }, (_, i) => (i * 7919) % count));
  const few = tensor(Int32Array.from({ length: count }, (_, i) => (i * 7919) % 1000));
  const rows = ops.slice(few, [0], [1000]);
  const places = ops.expandDims(few, -1);
  return [
    { name: "add", run: () => ops.add(x, p), numpy: "x + p" },
    { name: "exp", run: () => ops.exp(x), numpy: "np.exp(x)" },
    { name: "log", run: () => ops.log(p), numpy: "np.log(p)" },
    { name: "tanh", run: () => ops.tanh(x), numpy: "np.tanh(x)" },
    { name: "power", run: () => ops.power(p, 1.7), numpy: "np.power(p, np.float32(1.7))" },
    {
      name: "where",
      run: () => ops.where(ops.greater(x, 0), x, p),
      numpy: "np.where(x > 0, x, p)",
    },
    { name: "sum", run: () => ops.sum(x), numpy: "np.sum(x)", calls: 50 },
    {
      name: "sum, rows",
      run: () => ops.sum(m, { axis: 1 }),
      numpy: "np.sum(m, axis=1)",
      calls: 50,
    },
    {
      name: "sum, columns",
      run: () => ops.sum(m, { axis: 0 }),
      numpy: "np.sum(m, axis=0)",
      calls: 50,
    },
    { name: "max", run: () => ops.max(x), numpy: "np.max(x)", calls: 50 },
    {
      name: "argmax, rows",
      run: () => ops.argmax(m, { axis: 1 }),
      numpy: "np.argmax(m, axis=1)",
      calls: 50,
    },
    { name: "var", run: () => ops.var(m, { axis: 1 }), numpy: "np.var(m, axis=1)" },
    { name: "cumsum", run: () => ops.cumsum(x), numpy: "np.cumsum(x)" },
    {
      name: "cumsum, columns",
      run: () => ops.cumsum(m, { axis: 0 }),
      numpy: "np.cumsum(m, axis=0)",
    },
    { name: "cumprod", run: () => ops.cumprod(p), numpy: "np.cumprod(p)" },
    { name: "sort", run: () => ops.sort(x), numpy: "np.sort(x)", calls: 5 },
    { name: "sort, rows", run: () => ops.sort(m), numpy: "np.sort(m)", calls: 5 },
    { name: "argsort", run: () => ops.argsort(x), numpy: "np.argsort(x, kind='stable')", calls: 3 },
    { name: "take", run: () => ops.take(x, k), numpy: "np.take(x, k)" },
    {
      name: "take, rows",
      run: () => ops.take(m, rows, { axis: 0 }),
      numpy: "np.take(m, few[:1000], axis=0)",
      calls: 10,
    },
    {
      name: "scatter, adding",
      run: () => ops.scatter(places, x, [1000]),
      numpy: "np.bincount(few, weights=x, minlength=1000).astype(np.float32)",
    },
    { name: "transpose", run: () => ops.transpose(m), numpy: "np.ascontiguousarray(m.T)" },
    {
      name: "concatenate",
      run: () => ops.concatenate([m, m], { axis: 1 }),
      numpy: "np.concatenate([m, m], axis=1)",
    },
    {
      name: "searchsorted",
      run: () => ops.searchsorted(ops.arange(0, 1, 0.001), p),
      numpy: "np.searchsorted(np.arange(0, 1, 0.001, dtype=np.float32), p)",
      calls: 5,
    },
  ];
}

/** Ours and NumPy's in turn, the best of several rounds of each; results are compared first. */
export async function opsBench(part: string): Promise<Figure[]> {
  const numpy = Numpy.find();
  if (numpy === null) console.log("NumPy is skipped: python3 (or KERATIN_PYTHON) does not have it");
  const figures: Figure[] = [];
  for (const { name, run, numpy: code, calls = 20 } of cases()) {
    if (!name.includes(part)) continue;
    const result = run();
    const sum = Number(await ops.sum(ops.cast(result, "float64")).item());
    let value = Number.POSITIVE_INFINITY;
    let peer = Number.POSITIVE_INFINITY;
    let version = "";
    for (let round = 0; round < 3; round++) {
      value = Math.min(
        value,
        nanosecondsOf(() => tidy(run).dispose(), { calls, rounds: 3 }),
      );
      if (numpy === null) continue;
      const reply = await numpy.time({ setup, run: code, calls, rounds: 3 });
      peer = Math.min(peer, reply.ns);
      version = reply.version;
      const error = Math.abs(reply.sum - sum);
      if (!(error <= 1e-3 * Math.abs(reply.sum) + 1)) {
        throw new Error(`${name}: the sum of the result is ${sum}, NumPy's ${reply.sum}`);
      }
    }
    figures.push({
      name: `ops ${name}`,
      value,
      unit: "ns",
      ...(numpy && { peer: `numpy ${version}`, ratio: value / peer }),
    });
  }
  numpy?.close();
  return figures;
}
