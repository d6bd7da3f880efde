/**
 * @module
 */
import { stopGradient } from "../../../autograd/grad.ts";
import { divide } from "../../../ops/arithmetic.ts";
import { equal } from "../../../ops/comparison.ts";
import { cond } from "../../../ops/control-flow.ts";
import { cast } from "../../../ops/creation.ts";
import { matmul } from "../../../ops/linear.ts";
import { normalize } from "../../../ops/normalization.ts";
import { all } from "../../../ops/reduction.ts";
import { reshape, transpose } from "../../../ops/shaping.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { Variable } from "../../../tensor/variable.ts";
import { ArgumentError } from "../../../util/errors.ts";
import { TruncatedNormal } from "../../initializers/index.ts";
import { inherits, type ParameterTable } from "../../object.ts";
import { checkPositiveInteger } from "../arguments.ts";
import { Wrapper } from "../core/wrapper.ts";
import { InputSpec } from "../input-spec.ts";
import type { CallOptions, Layer, LayerOptions } from "../layer.ts";

/** Options of `SpectralNormalization`. */
export interface SpectralNormalizationOptions extends LayerOptions {
  /** How many steps of power iteration each call does. */
  powerIterations?: number | undefined;
}

/**
 * A layer whose kernel is divided by its largest singular value in each step
 * of training, so that it stretches no input.
 * Source: Miyato et al., 2018, arXiv:1802.05957.
 *
 * @example
 * const layer = new layers.SpectralNormalization(new layers.Conv2D(2, 2));
 * layer(ops.ones([1, 10, 10, 1]), { training: true }).shape; // [1, 9, 9, 2]
 */
export class SpectralNormalization extends Wrapper {
  static override readonly parameters: ParameterTable = { power_iterations: 1, [inherits]: true };
  readonly powerIterations: number;
  declare kernel: Variable;
  declare vectorU: Variable;

  constructor(layer: Layer, options: SpectralNormalizationOptions = {}) {
    super(layer, options);
    this.powerIterations = checkPositiveInteger(
      options.powerIterations ?? 1,
      "SpectralNormalization",
      "powerIterations",
    );
  }

  override build(inputShape: readonly (number | null)[]): void {
    super.build(inputShape);
    this.inputSpec = new InputSpec({ minNdim: 1, axes: { [-1]: inputShape.at(-1) ?? null } });
    const { kernel, embeddings } = this.layer as Layer & Readonly<Record<string, unknown>>;
    const found = kernel ?? embeddings;
    if (!(found instanceof Variable)) {
      throw new ArgumentError(
        `SpectralNormalization: the layer "${this.layer.name}" has neither a kernel nor embeddings.`,
        { layer: this.name },
      );
    }
    this.kernel = found;
    this.vectorU = this.addWeight({
      name: "vector_u",
      shape: [1, found.shape.at(-1) as number],
      initializer: new TruncatedNormal({ stddev: 0.02 }),
      trainable: false,
      dtype: found.dtype,
    });
  }

  override call(inputs: Tensor, { training }: CallOptions = {}): Tensor {
    if (training) this.#update();
    return cast(this.layer(inputs), inputs.dtype);
  }

  /** Divides the kernel, unless it is all zeros. */
  #update(): void {
    const kernel = this.kernel.value;
    const u = this.vectorU.value;
    const [newU, newKernel] = cond(
      all(equal(kernel, 0)),
      () => [u, kernel],
      () => this.#normalized(kernel, u),
    ) as [Tensor, Tensor];
    this.vectorU.assign(newU);
    this.kernel.assign(newKernel);
  }

  /** Power iteration: u and v tend to the singular vectors of the largest singular value. */
  #normalized(kernel: Tensor, givenU: Tensor): [u: Tensor, kernel: Tensor] {
    const matrix = reshape(kernel, [-1, kernel.shape.at(-1) as number]);
    const transposed = transpose(matrix);
    let u = givenU;
    let v = givenU;
    for (let i = 0; i < this.powerIterations; i++) {
      v = normalize(matmul(u, transposed), { axis: null });
      u = normalize(matmul(v, matrix), { axis: null });
    }
    u = stopGradient(u);
    const sigma = matmul(matmul(stopGradient(v), matrix), transpose(u));
    const divided = reshape(divide(matrix, sigma), kernel.shape);
    return [cast(u, givenU.dtype), cast(divided, kernel.dtype)];
  }
}
