/**
 * The harness itself: it has to find what is wrong, and to say where.
 *
 * @module
 */
import { describe, expect, test } from "vitest";
import { apply, customGradient, defineOp, ops, type Tensor } from "../../src/index.ts";
import { state } from "../../src/tensor/context.ts";
import { awayFrom, uniform } from "./inputs.ts";
import { map, type Nd, reduce } from "./nd.ts";
import { failuresOf, type OpTestSpec, opTest } from "./op-test.ts";

const { cast, exp, expm1, log, multiply, sign, square, sum } = ops;

const squares: OpTestSpec = {
  ops: ["square"],
  run: (x) => square(x),
  reference: (x) => map(x, (v) => v * v),
  shapes: [[], [3], [2, 3], [0, 2]],
};

/** `fn`, with a derivative of the test's choice. */
function withGradient(
  fn: (x: Tensor) => Tensor,
  gradient: (x: Tensor, dy: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  return (x) => customGradient((y: Tensor) => [fn(y), (dy: Tensor) => gradient(y, dy)])(x);
}

opTest("square, as it is", squares);

describe("the op test", () => {
  test("passes what is right", async () => {
    expect(await failuresOf("square", squares)).toEqual({});
  });

  test("finds a wrong value, and names it", async () => {
    const wrong = (x: Nd): Nd => ({
      shape: x.shape,
      data: x.data.map((v, i) => v * v + (i === 4 ? 0.001 : 0)),
    });
    const found = await failuresOf("square", { ...squares, reference: wrong });
    expect(Object.keys(found)).toEqual(["values"]);
    expect(found["values"]).toMatch(
      /square on cpu, values: the result differs first at \[1, 1\]: got .*, expected .*\n.*dtype float32, shapes \[2, 3\], layout contiguous, KERATIN_TEST_SEED=\d+/,
    );
  });

  test("finds an error of a few units in the last place", async () => {
    const found = await failuresOf("square", {
      ...squares,
      reference: (x) => map(x, (v) => v * v * (1 + 6 * 2 ** -23)),
    });
    expect(Object.keys(found)).toEqual(["values"]);
  });

  test("finds small values that are wholly wrong", async () => {
    const found = await failuresOf("square", {
      ...squares,
      inputs: uniform(-1e-8, 1e-8),
      dtypes: ["float32"],
      reference: (x) => map(x, () => 0),
    });
    expect(found["values"]).toContain("differs first");
  });

  test("finds a wrong shape of the reference's result", async () => {
    const found = await failuresOf("square", {
      ...squares,
      reference: (x) => reduce(x, [], true, ([v]) => (v as number) ** 2),
      run: (x) => ops.expandDims(square(x), 0),
    });
    expect(found["values"]).toMatch(/has shape \[1\], expected \[\]/);
  });

  test("finds a wrong dtype", async () => {
    const found = await failuresOf("square", {
      ...squares,
      run: (x) => cast(square(x), "float32"),
    });
    expect(found["values"]).toMatch(/has dtype float32, expected float64/);
  });

  test("finds a wrong number of results", async () => {
    const found = await failuresOf("square", { ...squares, run: (x) => [square(x), x] });
    expect(found["values"]).toMatch(/2 results, expected 1/);
  });

  test("names the layout", async () => {
    const sliced = await failuresOf("sum", {
      run: (x) => sum(x),
      reference: (x) => reduce(x, null, false, (all) => all.reduce((a, b) => a + b, 0) + 1e-3),
      shapes: [[2, 3]],
      layouts: ["sliced"],
      length: 6,
    });
    expect(sliced["values"]).toContain("layout sliced");
  });

  test("finds a compiled result that differs in one bit", async () => {
    const found = await failuresOf("square", {
      ...squares,
      dtypes: ["float32"],
      differentiable: false,
      run: (x) => {
        const y = square(x);
        const isTraced = state.tracer !== null && x.symbol !== null;
        return isTraced ? multiply(y, 1 + 2 ** -22) : y;
      },
    });
    expect(Object.keys(found)).toEqual(["compiled"]);
    expect(found["compiled"]).toContain("expected exactly");
  });

  test("finds a wrong symbolic shape and a wrong symbolic dtype", async () => {
    const whenProbed = (fn: (y: Tensor) => Tensor): OpTestSpec => ({
      ...squares,
      shapes: [[4, 3]],
      differentiable: false,
      run: (x) => (state.tracer !== null ? fn(square(x)) : square(x)),
    });
    const transposed = await failuresOf("square", whenProbed(ops.transpose));
    expect(transposed["symbolic"]).toMatch(/has shape \[3,4\], expected \[4,3\]/);
    const narrowed = await failuresOf(
      "square",
      whenProbed((y) => cast(y, "float16")),
    );
    expect(narrowed["symbolic"]).toMatch(/has dtype float16, eager float32/);
  });

  test("finds an axis that is known though it depends on an unknown one", async () => {
    const found = await failuresOf("square", {
      ...squares,
      shapes: [[4, 3]],
      differentiable: false,
      // The abstract run always sees 4.
      run: (x) => (state.tracer === null ? square(x) : ops.zeros([4, 3], { dtype: x.dtype })),
    });
    expect(found["symbolic"]).toMatch(/has shape \[4,3\], expected \[null,3\]/);
  });

  test("finds a primitive that is not run", async () => {
    const found = await failuresOf("square", { ...squares, ops: ["exp"] });
    expect(found["primitives"]).toContain('"exp" is not run; these are:');
  });

  test("finds a wrong decomposition", async () => {
    const wrong = defineOp({
      name: "test_wrong_decomposition",
      kernel: "exp",
      infer: ([x]) => x as Tensor,
      vjp: ({ outputs: [y], grads: [dy] }) => [multiply(y as Tensor, dy as Tensor)],
      decompose: ([x]) => expm1(x as Tensor),
    });
    const found = await failuresOf("exp", {
      ops: ["test_wrong_decomposition"],
      run: (x) => apply(wrong, [x]),
      reference: (x) => map(x, Math.exp),
      shapes: [[3]],
      internal: true,
    });
    expect(Object.keys(found)).toEqual(["decomposition"]);
    expect(found["decomposition"]).toContain("decomposition of test_wrong_decomposition");
  });

  test("finds a derivative that differs from that of the decomposition", async () => {
    const wrong = defineOp({
      name: "test_wrong_derivative",
      kernel: "exp",
      infer: ([x]) => x as Tensor,
      vjp: ({ inputs: [x], grads: [dy] }) => [multiply(x as Tensor, dy as Tensor)],
      decompose: ([x]) => exp(x as Tensor),
    });
    const found = await failuresOf("exp", {
      ops: ["test_wrong_derivative"],
      run: (x) => apply(wrong, [x]),
      reference: (x) => map(x, Math.exp),
      shapes: [[3]],
      internal: true,
    });
    expect(Object.keys(found)).toEqual(["decomposition", "gradient"]);
  });

  test("finds a wrong gradient, even a nearly right one", async () => {
    const found = await failuresOf("square", {
      ...squares,
      run: withGradient(square, (x, dy) => multiply(multiply(x, dy), 2.0001)),
    });
    expect(found["gradient"]).toMatch(/the derivative along .* differences give/);
    const zero = await failuresOf("square", {
      ...squares,
      run: withGradient(square, (x, dy) => multiply(multiply(x, dy), 0)),
    });
    expect(zero["gradient"]).toContain("is 0");
  });

  test("finds a gradient that is right in float64 alone", async () => {
    const found = await failuresOf("square", {
      ...squares,
      run: withGradient(square, (x, dy) =>
        multiply(multiply(x, dy), x.dtype === "float32" ? 2.001 : 2),
      ),
    });
    expect(found["gradient"]).toMatch(/dtype float32/);
  });

  test("finds a wrong second derivative", async () => {
    const found = await failuresOf("square", {
      ...squares,
      ops: [],
      internal: true,
      // 2x dy, whose own derivative is said to be that of 3x dy.
      run: withGradient(square, (x, dy) =>
        multiply(
          withGradient(
            (y) => multiply(y, 2),
            (_, d) => multiply(d, 3),
          )(x),
          dy,
        ),
      ),
    });
    expect(Object.keys(found)).toEqual(["second derivative"]);
  });

  test("finds a gradient where there should be none, and none where one is refused", async () => {
    const zero = await failuresOf("square", { ...squares, differentiable: "zero" });
    expect(zero["gradient"]).toContain("expected 0");
    const throws = await failuresOf("square", { ...squares, differentiable: "throws" });
    expect(throws["gradient"]).toContain("did not throw a GradientError");
    const right = await failuresOf("sign", {
      run: (x) => sign(x),
      reference: (x) => map(x, Math.sign),
      inputs: awayFrom([0]),
      shapes: [[3]],
      differentiable: "zero",
    });
    expect(right).toEqual({});
  });

  test("finds a result that is NaN", async () => {
    const found = await failuresOf("log", {
      run: (x) => log(x),
      reference: (x) => map(x, (v) => Math.log(Math.abs(v))),
      shapes: [[4]],
    });
    expect(found["values"]).toMatch(/got NaN/);
    expect(found["gradient"]).toBeDefined();
  });
});
