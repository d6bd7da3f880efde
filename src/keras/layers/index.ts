/**
 * `keras.layers`.
 *
 * @module
 */
export { Activation } from "./activations/activation.ts";
export { ELU } from "./activations/elu.ts";
export { LeakyReLU } from "./activations/leaky-relu.ts";
export { PReLU } from "./activations/prelu.ts";
export { ReLU } from "./activations/relu.ts";
export { Softmax } from "./activations/softmax.ts";
export { Conv1D, Conv2D, Conv3D } from "./convolutional/conv.ts";
export {
  Conv1DTranspose,
  Conv2DTranspose,
  Conv3DTranspose,
} from "./convolutional/conv-transpose.ts";
export { DepthwiseConv1D, DepthwiseConv2D } from "./convolutional/depthwise-conv.ts";
export { SeparableConv1D, SeparableConv2D } from "./convolutional/separable-conv.ts";
export { Dense } from "./core/dense.ts";
export { Embedding } from "./core/embedding.ts";
export { Input, InputLayer } from "./core/input-layer.ts";
export { InputSpec } from "./input-spec.ts";
export { Layer } from "./layer.ts";
export { Concatenate } from "./merging/concatenate.ts";
export { Add, Average, Maximum, Minimum, Multiply, Subtract } from "./merging/merge.ts";
export { BatchNormalization } from "./normalization/batch-normalization.ts";
export { LayerNormalization } from "./normalization/layer-normalization.ts";
export {
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
} from "./pooling/global-pooling.ts";
export {
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  MaxPooling1D,
  MaxPooling2D,
  MaxPooling3D,
} from "./pooling/pooling.ts";
export { Dropout } from "./regularization/dropout.ts";
export { Cropping1D, Cropping2D, Cropping3D } from "./reshaping/cropping.ts";
export { Flatten } from "./reshaping/flatten.ts";
export { Permute } from "./reshaping/permute.ts";
export { RepeatVector } from "./reshaping/repeat-vector.ts";
export { Reshape } from "./reshaping/reshape.ts";
export { UpSampling1D, UpSampling2D, UpSampling3D } from "./reshaping/up-sampling.ts";
export { ZeroPadding1D, ZeroPadding2D, ZeroPadding3D } from "./reshaping/zero-padding.ts";
