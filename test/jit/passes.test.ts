/**
 * The passes of the compiler, each alone.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { jit, ops, type Tensor, tensor, Variable } from "../../src/index.ts";
import type { Graph } from "../../src/jit/graph.ts";
import { traceFunction } from "../../src/jit/jit.ts";
import { commonSubexpressions } from "../../src/jit/passes/common-subexpressions.ts";
import { deadCode } from "../../src/jit/passes/dead-code.ts";
import { foldBroadcasts } from "../../src/jit/passes/fold-broadcasts.ts";
import { foldConstants } from "../../src/jit/passes/fold-constants.ts";
import { fuseElementwise } from "../../src/jit/passes/fuse-elementwise.ts";
import { fuseSums } from "../../src/jit/passes/fuse-sums.ts";
import { rematerialize } from "../../src/jit/passes/rematerialize.ts";
import { rewrite } from "../../src/jit/passes/rewrite.ts";
import { makePlan } from "../../src/jit/plan.ts";
import { currentBackend } from "../../src/runtime/device.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { settledMemory } from "../support/memory.ts";

function graphOf(fn: (...args: Tensor[]) => unknown, ...args: Tensor[]): Graph {
  return traceFunction(fn, args, "test").graph;
}

function names(graph: Graph): string[] {
  return graph.nodes.map(({ op }) => op.name);
}

describe("dead code", () => {
  it("drops what nobody uses, and keeps writes", () => {
    const v = new Variable([1], { dtype: "float32" });
    const graph = graphOf(
      (x) => {
        ops.exp(ops.sin(x));
        v.assign(ops.cos(x));
        return ops.add(x, 1);
      },
      tensor([1]),
    );
    expect(names(graph).sort()).toEqual(["add", "cos", "exp", "sin"]);
    const kept = deadCode(graph);
    expect(names(kept).sort()).toEqual(["add", "cos"]);
    expect(deadCode(kept)).toBe(kept);
    expect(graph.nodes.length).toBe(4);
  });
});

describe("common subexpressions", () => {
  it("computes equal things once", () => {
    const graph = commonSubexpressions(
      graphOf(
        (x) => {
          const a = ops.multiply(ops.exp(x), 2);
          const b = ops.multiply(ops.exp(x), 2);
          return ops.add(a, b);
        },
        tensor([1]),
      ),
    );
    expect(names(graph)).toEqual(["exp", "multiply", "add"]);
    const [add] = graph.nodes.slice(-1);
    expect(add?.inputs[0]).toBe(add?.inputs[1]);
  });

  it("tells attributes apart, -0 from 0 too", () => {
    const graph = commonSubexpressions(
      graphOf(
        (x) => [ops.sum(x, { axis: 0 }), ops.sum(x, { axis: 1 }), ops.add(x, 0), ops.add(x, -0)],
        tensor([[1, 2]]),
      ),
    );
    expect(graph.nodes.length).toBe(4);
  });

  it("sees the value of a variable at each point", () => {
    const v = new Variable([1], { dtype: "float32" });
    const graph = commonSubexpressions(
      graphOf(() => {
        const before = ops.exp(v.value);
        v.assign(ops.add(v.value, 1));
        return [before, ops.exp(v.value)];
      }),
    );
    expect(names(graph)).toEqual(["exp", "add", "exp"]);
  });
});

describe("rewrites", () => {
  /** What is left of a function after its rules, and that it computes the same bits. */
  async function left(fn: (x: Tensor) => Tensor, x: Tensor): Promise<string[]> {
    const graph = graphOf(fn, x);
    const after = rewrite(graph);
    expect(await jit(fn)(x).data()).toEqual(await fn(x).data());
    expect(rewrite(deadCode(after))).toEqual(deadCode(after));
    return names(deadCode(after));
  }
  const x = tensor([
    [-0, 1, Number.NaN],
    [2, -3, Number.POSITIVE_INFINITY],
  ]);

  it("drop what changes nothing", async () => {
    expect(await left((y) => ops.exp(ops.multiply(1, ops.divide(y, 1))), x)).toEqual(["exp"]);
    expect(await left((y) => ops.exp(ops.subtract(y, 0)), x)).toEqual(["exp"]);
    expect(await left((y) => ops.negative(ops.negative(y)), x)).toEqual([]);
    expect(await left((y) => ops.add(y, -0), x)).toEqual([]);
  });

  it("keep what changes a zero's sign, a shape or a dtype", async () => {
    expect(await left((y) => ops.add(y, 0), x)).toEqual(["add"]);
    expect(await left((y) => ops.subtract(0, y), x)).toEqual(["subtract"]);
    expect(await left((y) => ops.multiply(ops.ones([2, 2, 3]), y), x)).toContain("multiply");
    expect(await left((y) => ops.divide(y, 1), tensor([1, 2], { dtype: "int32" }))).toContain(
      "cast",
    );
  });

  it("go round casts that lose nothing, through those that do", async () => {
    const cast = (y: Tensor, ...dtypes: DType[]): Tensor =>
      dtypes.reduce((z, dtype) => ops.cast(z, dtype), y);
    expect(await left((y) => cast(y, "float64", "float32"), x)).toEqual([]);
    expect(await left((y) => cast(y, "float64", "float16"), x)).toEqual(["cast"]);
    expect(await left((y) => cast(y, "float16", "float32"), x)).toEqual(["cast", "cast"]);
    const n = tensor([-1, 300], { dtype: "int32" });
    expect(await left((y) => cast(y, "float64", "int32"), n)).toEqual([]);
    expect(await left((y) => cast(y, "float32", "int32"), n)).toEqual(["cast", "cast"]);
    expect(await left((y) => cast(y, "uint32", "int32"), n)).toEqual(["cast", "cast"]);
  });

  it("make one of several reshapes and transposes, and a flag of a transposed factor", async () => {
    const cube = ops.reshape(ops.divide(ops.arange(24), 2), [2, 3, 4]);
    expect(await left((y) => ops.reshape(ops.reshape(y, [6, 4]), [3, 8]), cube)).toEqual([
      "reshape",
    ]);
    expect(await left((y) => ops.reshape(ops.reshape(y, [6, 4]), [2, 3, 4]), cube)).toEqual([]);
    const turned = (y: Tensor): Tensor => ops.transpose(y, { axes: [1, 2, 0] });
    expect(await left((y) => turned(turned(y)), cube)).toEqual(["transpose"]);
    expect(await left((y) => turned(turned(turned(y))), cube)).toEqual([]);
    expect(
      await left((y) => ops.transpose(ops.expandDims(y, 0), { axes: [1, 0, 2, 3] }), cube),
    ).toEqual(["reshape"]);
    const swapped = (y: Tensor): Tensor => ops.transpose(y, { axes: [0, 2, 1] });
    const large = ops.reshape(ops.divide(ops.arange(2 * 8 * 6), 7), [2, 8, 6]);
    expect(await left((y) => ops.matmul(swapped(y), y), large)).toEqual(["matmul"]);
    expect(await left((y) => ops.matmul(y, swapped(y)), large)).toEqual(["matmul"]);
    expect(
      await left((y) => {
        const z = turned(y);
        return ops.matmul(z, swapped(z));
      }, large),
    ).toEqual(["transpose", "matmul"]);
    // Few columns are added up in another order.
    expect(await left((y) => ops.matmul(swapped(y), y), cube)).toEqual(["transpose", "matmul"]);
  });

  it("add nothing up along axes of length 1", async () => {
    expect(await left((y) => ops.sum(ops.expandDims(y, 1), { axis: 1 }), x)).toEqual([]);
  });
});

describe("constants", () => {
  it("are computed when the function is compiled", async () => {
    const x = ops.ones([4, 4]);
    const masked = (y: Tensor): Tensor => {
      const rows = ops.arange(4);
      const mask = ops.greaterEqual(ops.expandDims(rows, 1), rows);
      return ops.where(mask, ops.matmul(y, ops.eye(4)), ops.multiply(2, ops.exp(1)));
    };
    const graph = foldConstants(graphOf(masked, x));
    expect(names(graph)).toEqual(["matmul", "where"]);
    expect(foldConstants(graph)).toBe(graph);
    expect(await jit(masked)(x).array()).toEqual(await masked(x).array());
  });

  it("are not, where they are large or follow from an argument", () => {
    const large = graphOf((y) => ops.add(y, ops.arange(1 << 20)), ops.zeros([1]));
    expect(foldConstants(large)).toBe(large);
  });

  it("are computed once for all turns of a loop", async () => {
    const sums = jit((xs: Tensor) =>
      ops.scan(
        (sum: Tensor, y: Tensor) => {
          const next = ops.add(sum, ops.multiply(y, ops.cumsum(ops.arange(3))));
          return [next, next];
        },
        ops.zeros([3]),
        { xs },
      ),
    );
    const x = tensor([1, 2, 3]);
    expect(sums.explain(x)).not.toContain("cumsum");
    const [total] = sums(x) as [Tensor, Tensor];
    expect(await total.array()).toEqual([0, 6, 18]);
  });

  it("end with the program", async () => {
    const f = jit((x: Tensor) => ops.matmul(x, ops.eye(64)));
    f(ops.ones([64, 64])).dispose();
    f.clear();
    const { storages } = await settledMemory();
    f(ops.ones([64, 64])).dispose();
    f.clear();
    expect((await settledMemory()).storages).toBe(storages);
  });
});

describe("broadcasts", () => {
  it("are left to the elementwise op that reads them", () => {
    const x = ops.zeros([2, 3]);
    const graph = graphOf((y) => {
      const row = ops.broadcastTo(ops.sum(y, { axis: 0 }), [2, 3]);
      return [ops.add(y, row), ops.multiply(row, row), ops.matmul(row, ops.transpose(y))];
    }, x);
    const folded = foldBroadcasts(graph);
    const [add, multiply] = folded.nodes.filter(({ op }) => op.traits.elementwise);
    expect(add?.inputs.map(({ shape }) => shape)).toEqual([[2, 3], [3]]);
    // One of both must still have the shape of the result.
    expect(multiply?.inputs.map(({ shape }) => shape)).toEqual([[3], [2, 3]]);
    expect(names(deadCode(folded))).toContain("broadcast_to");
    expect(foldBroadcasts(folded)).toBe(folded);
  });
});

describe("fusion", () => {
  const inner = (graph: Graph): string[][] =>
    graph.nodes.flatMap(({ fused }) => (fused ? [fused.map(({ op }) => op.name)] : []));

  it("makes one loop of a chain and keeps what others need", () => {
    const x = ops.zeros([4, 5]);
    const graph = fuseElementwise(
      graphOf((y) => {
        const a = ops.exp(ops.add(y, 1));
        return [a, ops.multiply(ops.sin(a), a)];
      }, x),
    );
    expect(inner(graph)).toEqual([["add", "exp", "sin", "multiply"]]);
    const [node] = graph.nodes;
    expect(node?.inputs.length).toBe(2);
    expect(node?.outputs.length).toBe(2);
  });

  it("does not run past somebody who waits", () => {
    const x = ops.zeros([4, 4]);
    const graph = fuseElementwise(
      graphOf((y) => {
        const a = ops.exp(ops.add(y, 1));
        // Needs a, and is needed by what comes after.
        const b = ops.matmul(a, a);
        return ops.multiply(ops.sin(a), b);
      }, x),
    );
    expect(names(graph)).toEqual(["fused", "matmul", "fused"]);
    expect(inner(graph)).toEqual([
      ["add", "exp"],
      ["sin", "multiply"],
    ]);
  });

  it("joins branches of one shape, not those of another", () => {
    const graph = fuseElementwise(
      graphOf(
        (y, z) => ops.add(ops.multiply(ops.sin(y), ops.cos(y)), ops.exp(ops.negative(z))),
        ops.zeros([3, 4]),
        ops.zeros([4]),
      ),
    );
    expect(names(graph)).toEqual(["fused", "fused"]);
    expect(inner(graph)).toEqual([
      ["negative", "exp"],
      ["sin", "cos", "multiply", "add"],
    ]);
  });

  it("ends a loop that becomes too long", () => {
    const graph = fuseElementwise(
      graphOf(
        (y) => {
          let z = y;
          for (let i = 0; i < 100; i++) z = ops.sin(z);
          return z;
        },
        ops.zeros([3]),
      ),
    );
    expect(inner(graph).map(({ length }) => length)).toEqual([48, 48, 4]);
  });
});

describe("sums", () => {
  const fused = (fn: (...args: Tensor[]) => unknown, ...args: Tensor[]): Graph =>
    deadCode(fuseSums(fuseElementwise(deadCode(graphOf(fn, ...args)))));
  const inner = (graph: Graph): string[][] =>
    graph.nodes.map(({ op, fused }) => fused?.map((step) => step.op.name) ?? [op.name]);
  const x = ops.reshape(ops.divide(ops.arange(96 * 128), 5000), [96, 128]);

  async function checkSame(fn: (x: Tensor) => Tensor[], given: Tensor): Promise<void> {
    const results = jit(fn)(given);
    for (const [i, y] of fn(given).entries()) {
      expect(results[i]?.shape).toEqual(y.shape);
      expect(await (results[i] as Tensor).data()).toEqual(await y.data());
    }
  }

  it("are made by the loop that computes what they add up", async () => {
    const variance = (y: Tensor): Tensor[] => {
      const d = ops.subtract(y, 1.25);
      const squares = ops.multiply(d, d);
      return [0, 1, [0, 1]].map((axis) => ops.sum(squares, { axis: axis as number }));
    };
    // Rows and columns are made by blocks of whole rows, but not everything.
    expect(inner(fused(variance, x))).toEqual([["subtract", "multiply", "sum", "sum"], ["sum"]]);
    await checkSame(variance, x);
  });

  it("are made by a loop that reads it anyway, before anybody needs them", async () => {
    const gradients = (y: Tensor): Tensor[] => {
      const dy = ops.matmul(y, ops.transpose(y));
      const scaled = ops.multiply(dy, ops.tanh(dy));
      return [ops.sum(dy, { axis: 0 }), ops.sum(scaled, { axis: 0, keepdims: true }), scaled];
    };
    expect(inner(fused(gradients, x)).at(-1)).toEqual(["tanh", "multiply", "sum", "sum"]);
    await checkSame(gradients, x);
    const centered = (y: Tensor): Tensor[] => {
      const z = ops.matmul(y, ops.transpose(y));
      return [ops.subtract(z, ops.sum(z, { axis: 0 }))];
    };
    expect(inner(fused(centered, x)).slice(-2)).toEqual([["sum"], ["subtract"]]);
  });

  it("see through reshapes, and stay alone where rows would be cut", async () => {
    const bias = (y: Tensor): Tensor[] => {
      const z = ops.reshape(ops.multiply(y, y), [12, 8, 128]);
      const wide = ops.reshape(z, [24, 4 * 128]);
      return [ops.sum(z, { axis: [0, 1] }), ops.sum(z, { axis: 2 }), ops.sum(wide, { axis: 0 })];
    };
    // One loop has rows of one length.
    expect(inner(fused(bias, x))).toEqual([
      ["multiply", "sum", "sum"],
      ["reshape"],
      ["reshape"],
      ["sum"],
    ]);
    await checkSame(bias, x);
    const middle = (y: Tensor): Tensor[] => {
      const z = ops.exp(ops.reshape(y, [12, 8, 128]));
      return [ops.sum(z, { axis: 1 })];
    };
    expect(inner(fused(middle, x))).toEqual([["reshape"], ["exp"], ["sum"]]);
    await checkSame(middle, x);
    const few = (y: Tensor): Tensor[] => [ops.sum(ops.exp(ops.reshape(y, [2, -1])), { axis: 1 })];
    expect(inner(fused(few, x)).at(-1)).toEqual(["sum"]);
    await checkSame(few, x);
  });

  it("do not take the memory of what the loop still reads", async () => {
    const normalized = (y: Tensor): Tensor[] => {
      const mean = ops.exp(ops.negative(ops.mean(y, { axis: 1, keepdims: true })));
      const d = ops.subtract(y, mean);
      return [ops.sum(ops.multiply(d, d), { axis: 1, keepdims: true })];
    };
    await checkSame(normalized, x);
  });

  it("give the same bits on any number of threads", async () => {
    const sums = jit((y: Tensor) => ops.sum(ops.exp(y), { axis: 0 }));
    const large = ops.reshape(ops.divide(ops.arange(600 * 512), 400000), [600, 512]);
    const first = await sums(large).data();
    for (let i = 0; i < 20; i++) expect(await sums(large).data()).toEqual(first);
  });
});

describe("rematerialization", () => {
  const large = [128, 256];
  const weights = ops.ones([256, 256]);
  const fused = (fn: (...args: Tensor[]) => unknown, ...args: Tensor[]): Graph =>
    fuseElementwise(graphOf(fn, ...args));
  const inner = (graph: Graph): string[][] =>
    graph.nodes.map(({ op, fused }) => fused?.map((step) => step.op.name) ?? [op.name]);
  /** Two loops, a product between them: the second reads what the first computed. */
  const chain = (x: Tensor): Tensor => {
    const a = ops.multiply(ops.add(x, 1), 2);
    const y = ops.matmul(ops.negative(a), weights);
    return ops.add(ops.square(y), ops.multiply(a, y));
  };

  it("computes again what takes less than to keep it", () => {
    const before = fused(chain, ops.zeros(large));
    const after = rematerialize(before);
    expect(inner(before)).toEqual([
      ["add", "multiply", "negative"],
      ["matmul"],
      ["square", "multiply", "add"],
    ]);
    expect(before.nodes[0]?.outputs.length).toBe(2);
    expect(after.nodes[0]?.outputs.length).toBe(1);
    expect(inner(after)).toEqual([
      ["add", "multiply", "negative"],
      ["matmul"],
      ["add", "multiply", "square", "multiply", "add"],
    ]);
    expect(rematerialize(after)).toBe(after);
  });

  it("gives the same bits", async () => {
    const x = ops.reshape(ops.divide(ops.arange(128 * 256), 1000), large);
    expect(await jit(chain)(x).data()).toEqual(await chain(x).data());
  });

  it("keeps results, what others than loops read, dear values and small ones", () => {
    const kept = (fn: (x: Tensor) => unknown, shape: readonly number[] = large): void => {
      const graph = fused(fn, ops.zeros([...shape]));
      expect(rematerialize(graph)).toBe(graph);
    };
    kept((x) => {
      const a = ops.add(x, 1);
      return [a, ops.add(ops.matmul(ops.negative(a), weights), a)];
    });
    kept((x) => {
      const a = ops.add(x, 1);
      return ops.add(ops.matmul(a, weights), a);
    });
    kept((x) => {
      const a = ops.sin(ops.exp(ops.cos(x)));
      return ops.add(ops.matmul(ops.negative(a), weights), a);
    });
    kept(
      (x) => {
        const a = ops.add(x, 1);
        return ops.add(ops.matmul(ops.negative(a), ops.ones([2, 2])), a);
      },
      [2, 2],
    );
  });

  it("reads an input longer only if that frees as much", () => {
    // A comparison takes a quarter of the memory of what it compares.
    const graph = fused(
      (x, w) => {
        const h = ops.matmul(x, w);
        const mask = ops.greater(h, 0);
        const y = ops.matmul(ops.where(mask, h, 0), w);
        return ops.where(mask, y, 0);
      },
      ops.zeros(large),
      ops.zeros([256, 256]),
    );
    expect(rematerialize(graph)).toBe(graph);
  });
});

describe("plans", () => {
  it("write variables only in the commit", () => {
    const v = new Variable([1], { dtype: "float32" });
    const w = new Variable([1], { dtype: "float32" });
    const graph = graphOf(
      (x) => {
        const old = v.value;
        v.assign(ops.add(v.value, x));
        w.assign(ops.sum(ops.multiply(old, ops.exp(x)), { keepdims: true }));
        return ops.multiply(v.value, w.value);
      },
      tensor([1]),
    );
    const plan = makePlan(graph, currentBackend());
    for (const [i, { outputs }] of plan.instructions.entries()) {
      for (const id of outputs) {
        if (plan.values[id]?.place === "held") expect(i).toBeGreaterThanOrEqual(plan.commitStart);
      }
    }
    expect(plan.commitStart).toBeLessThan(plan.instructions.length);
  });

  it("run no kernel for a reshape", () => {
    const graph = graphOf((x) => ops.exp(ops.reshape(x, [2, 2])), tensor([1, 2, 3, 4]));
    const plan = makePlan(graph, currentBackend());
    expect(plan.instructions.map(({ op }) => op)).toEqual(["exp"]);
    expect(plan.arena).toBe(0);
  });

  it("let elementwise chains work in place", () => {
    const graph = graphOf(
      (x) => ops.sum(ops.exp(ops.sin(ops.cos(ops.tanh(x))))),
      ops.zeros([1024]),
    );
    const plan = makePlan(graph, currentBackend());
    expect((plan.arena as number) * 64).toBeLessThanOrEqual(4096 + 128);
  });
});
