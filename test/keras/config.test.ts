/**
 * Global settings, and that they do what they say.
 *
 * @module
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  ArgumentError,
  backend,
  config,
  Input,
  jit,
  layers,
  ops,
  Sequential,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
  utils,
} from "../../src/index.ts";

afterEach(() => {
  config.setFloatx("float32");
  config.setEpsilon(1e-7);
  config.setImageDataFormat("channels_last");
  config.setDtypePolicy("float32");
  config.setMaxEpochs(null);
  config.setMaxStepsPerEpoch(null);
  config.enableInteractiveLogging();
  config.enableTracebackFiltering();
  config.enableFlashAttention();
  vi.restoreAllMocks();
});

describe("config", () => {
  it("changes the default float", () => {
    config.setFloatx("float16");
    expect(config.floatx()).toBe("float16");
    expect(ops.zeros([1]).dtype).toBe("float16");
    expect(new layers.Dense(1).dtypePolicy.name).toBe("float16");
  });

  it("changes the policy of layers", () => {
    config.setDtypePolicy("mixed_bfloat16");
    expect(config.dtypePolicy().name).toBe("mixed_bfloat16");
    expect((new layers.Dense(1)(ops.ones([1, 2])) as Tensor).dtype).toBe("bfloat16");
  });

  it("changes where channels are, and the small number", () => {
    config.setImageDataFormat("channels_first");
    expect((new layers.Conv2D(5, 3)(ops.ones([1, 2, 8, 8])) as Tensor).shape).toEqual([1, 5, 6, 6]);
    config.setEpsilon(1e-3);
    expect(config.epsilon()).toBe(1e-3);
  });

  it("limits epochs and steps", async () => {
    const model = new Sequential([Input({ shape: [2] }), new layers.Dense(1)]);
    model.compile({ optimizer: "sgd", loss: "mse" });
    const train = async (): Promise<[number, number]> => {
      const before = Number(await model.optimizer?.iterations.item());
      const { epoch } = await model.fit(ops.ones([40, 2]), ops.ones([40, 1]), {
        batchSize: 4,
        epochs: 5,
        verbose: 0,
      });
      return [epoch.length, Number(await model.optimizer?.iterations.item()) - before];
    };
    expect(await train()).toEqual([5, 50]);
    config.setMaxEpochs(2);
    expect(await train()).toEqual([2, 20]);
    config.setMaxStepsPerEpoch(3);
    expect(await train()).toEqual([2, 6]);
    config.setMaxStepsPerEpoch(100);
    expect(await train()).toEqual([2, 20]);
    expect([config.maxEpochs(), config.maxStepsPerEpoch()]).toEqual([2, 100]);
    expect(() => config.setMaxEpochs(0)).toThrow(ArgumentError);
    expect(() => config.setMaxStepsPerEpoch(1.5)).toThrow(ArgumentError);
  });

  it("keeps our own frames out of stacks, or not", () => {
    const stackOf = (): string => {
      try {
        ops.matmul(tensor([[1, 2]]), tensor([[1, 2]]));
      } catch (error) {
        expect(error).toBeInstanceOf(ShapeError);
        return (error as Error).stack as string;
      }
      return "";
    };
    expect(config.isTracebackFilteringEnabled()).toBe(true);
    expect(stackOf()).not.toContain("/src/ops/");
    expect(stackOf()).toContain("config.test.ts");
    config.disableTracebackFiltering();
    expect(config.isTracebackFilteringEnabled()).toBe(false);
    expect(stackOf()).toContain("/src/ops/");
  });

  it("computes attention either way, to the same values", async () => {
    const q = ops.reshape(ops.sin(ops.arange(48, null, null, { dtype: "float32" })), [1, 6, 2, 4]);
    const attend = jit((x: Tensor) => ops.dotProductAttention(x, x, x, { isCausal: true }));
    const tiled = await attend(q).data();
    const op = (): string | undefined =>
      attend.program(q)?.plan.instructions.find(({ op: name }) => name === "attention")?.op;
    expect(op()).toBe("attention");
    config.disableFlashAttention();
    expect(config.isFlashAttentionEnabled()).toBe(false);
    const whole = await attend(q).data();
    expect(op()).toBe(undefined);
    for (const [i, value] of whole.entries()) expect(tiled[i]).toBeCloseTo(Number(value), 5);
  });

  it("writes lines that stay where nobody watches", () => {
    const written: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const isTTY = process.stdout.isTTY;
    process.stdout.isTTY = true;
    try {
      config.disableInteractiveLogging();
      expect(config.isInteractiveLoggingEnabled()).toBe(false);
      const bar = new utils.Progbar(2, { interval: 0 });
      bar.update(1);
      bar.update(2);
    } finally {
      process.stdout.isTTY = isTTY;
    }
    expect(written.length).toBe(1);
    expect(written[0]).not.toContain("\r");
  });

  it("knows one backend, and files that never run code", () => {
    expect(config.backend()).toBe("keratin");
    config.setBackend("keratin");
    expect(() => config.setBackend("torch")).toThrow(UnsupportedError);
    expect(() => config.enableUnsafeDeserialization()).toThrow(UnsupportedError);
  });
});

describe("backend", () => {
  it("tells dtypes apart and promotes them", () => {
    expect(backend.isFloatDtype("float16")).toBe(true);
    expect(backend.isFloatDtype("int8")).toBe(false);
    expect(backend.isIntDtype("uint64")).toBe(true);
    expect(backend.isIntDtype("bool")).toBe(false);
    expect(backend.resultType("int32", "float32")).toBe("float32");
    expect(backend.resultType("int8", "float")).toBe("float32");
    expect(backend.resultType("uint8", "int8")).toBe("int16");
  });

  it("counts by prefix", () => {
    utils.clearSession();
    expect([backend.getUid("a"), backend.getUid("a"), backend.getUid("b")]).toEqual([1, 2, 1]);
  });
});
