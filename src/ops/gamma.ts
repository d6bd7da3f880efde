/**
 * The incomplete gamma function.
 *
 * @module
 */
import { apply } from "../tensor/apply.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { defineOp, type OpDefinition } from "../tensor/define-op.ts";
import type { PublicOp } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isHalf } from "../util/dtypes.ts";
import { GradientError } from "../util/errors.ts";
import { broadcastShapes } from "../util/shapes.ts";
import { divide, multiply, subtract } from "./arithmetic.ts";
import { broadcastOver } from "./broadcasting.ts";
import { type Binary, publicBinary } from "./elementwise-define.ts";
import { log } from "./exponential.ts";
import { promotePair } from "./promote.ts";

/** The derivatives of P(a, x) by a and by x, and of log Gamma. */
const digammaOp: OpDefinition = defineOp({
  name: "digamma",
  infer: ([x]) => x as Tensor,
  vjp: null,
});

/** d/da x^(a - 1) e^-x / Gamma(a), from the value. */
function densityByA(density: Tensor, a: Tensor, x: Tensor): Tensor {
  return multiply(density, subtract(log(x), apply(digammaOp, [a])));
}

const byXOp: OpDefinition = defineOp({
  name: "gammainc_by_x",
  infer: ([a]) => a as Tensor,
  // y = x^(a - 1) e^-x / Gamma(a): dy/dx = y ((a - 1) / x - 1),
  // dy/da = y (log x - digamma(a)).
  vjp: ({ inputs: [a, x], outputs: [y], grads: [dy], needs }) => {
    const one = scalar(1, (a as Tensor).dtype);
    const slope = subtract(divide(subtract(a as Tensor, one), x as Tensor), one);
    const weighted = multiply(dy as Tensor, y as Tensor);
    return [
      needs(0) ? densityByA(weighted, a as Tensor, x as Tensor) : null,
      needs(1) ? multiply(weighted, slope) : null,
    ];
  },
});

const byAOp: OpDefinition = defineOp({
  name: "gammainc_by_a",
  infer: ([a]) => a as Tensor,
  vjp: ({ inputs: [a, x], grads: [dy], needs }) => {
    if (needs(0)) {
      throw new GradientError("gammainc: there is no second derivative by x1.", { op: "gammainc" });
    }
    const density = apply(byXOp, [a as Tensor, x as Tensor]);
    return [null, multiply(dy as Tensor, densityByA(density, a as Tensor, x as Tensor))];
  },
});

const gammaincOp: OpDefinition = defineOp({
  name: "gammainc",
  infer: ([a]) => a as Tensor,
  vjp: ({ inputs: [a, x], grads: [dy], needs }) =>
    [byAOp, byXOp].map((op, i) =>
      needs(i) ? multiply(dy as Tensor, apply(op, [a as Tensor, x as Tensor])) : null,
    ),
});

/**
 * The regularized lower incomplete gamma function P(x1, x2): the integral of
 * t^(x1 - 1) e^-t from 0 to x2, over the one to infinity. NaN where x1 <= 0 or
 * x2 < 0.
 *
 * @example
 * await ops.gammainc([1], [0]).array(); // [0]
 */
export const gammainc: PublicOp<Binary> = publicBinary("gammainc", (x1, x2) => {
  const [a, x] = promotePair("gammainc", x1, x2, "float");
  const shape = broadcastShapes("gammainc", a.shape, x.shape);
  const wide = (t: Tensor): Tensor =>
    broadcastOver(isHalf(t.dtype) ? castTo(t, "float32") : t, shape);
  return castTo(apply(gammaincOp, [wide(a), wide(x)]), a.dtype);
});
