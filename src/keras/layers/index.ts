/**
 * `keras.layers`.
 *
 * @module
 */
export { Activation } from "./activations/activation.ts";
export { Conv1D, Conv2D, Conv3D } from "./convolutional/conv.ts";
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
export { Flatten } from "./reshaping/flatten.ts";
export { Reshape } from "./reshaping/reshape.ts";
