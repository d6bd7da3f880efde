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
export { AdditiveAttention } from "./attention/additive-attention.ts";
export { Attention } from "./attention/attention.ts";
export { GroupedQueryAttention as GroupQueryAttention } from "./attention/grouped-query-attention.ts";
export { MultiHeadAttention } from "./attention/multi-head-attention.ts";
export {
  Conv1D,
  Conv1D as Convolution1D,
  Conv2D,
  Conv2D as Convolution2D,
  Conv3D,
  Conv3D as Convolution3D,
} from "./convolutional/conv.ts";
export {
  Conv1DTranspose,
  Conv1DTranspose as Convolution1DTranspose,
  Conv2DTranspose,
  Conv2DTranspose as Convolution2DTranspose,
  Conv3DTranspose,
  Conv3DTranspose as Convolution3DTranspose,
} from "./convolutional/conv-transpose.ts";
export { DepthwiseConv1D, DepthwiseConv2D } from "./convolutional/depthwise-conv.ts";
export {
  SeparableConv1D,
  SeparableConv1D as SeparableConvolution1D,
  SeparableConv2D,
  SeparableConv2D as SeparableConvolution2D,
} from "./convolutional/separable-conv.ts";
export { Dense } from "./core/dense.ts";
export { EinsumDense } from "./core/einsum-dense.ts";
export { Embedding } from "./core/embedding.ts";
export { Identity } from "./core/identity.ts";
export { Input, InputLayer } from "./core/input-layer.ts";
export { Lambda } from "./core/lambda.ts";
export { Masking } from "./core/masking.ts";
export { ReversibleEmbedding } from "./core/reversible-embedding.ts";
export { TernaryDense } from "./core/ternary-dense.ts";
export { Wrapper } from "./core/wrapper.ts";
export { InputSpec } from "./input-spec.ts";
export { Layer } from "./layer.ts";
export { Concatenate } from "./merging/concatenate.ts";
export { Dot } from "./merging/dot.ts";
export {
  add,
  average,
  concatenate,
  dot,
  maximum,
  minimum,
  multiply,
  subtract,
} from "./merging/functions.ts";
export { Add, Average, Maximum, Minimum, Multiply, Subtract } from "./merging/merge.ts";
export { BatchNormalization } from "./normalization/batch-normalization.ts";
export { GroupNormalization } from "./normalization/group-normalization.ts";
export { LayerNormalization } from "./normalization/layer-normalization.ts";
export { RMSNormalization } from "./normalization/rms-normalization.ts";
export { SpectralNormalization } from "./normalization/spectral-normalization.ts";
export { UnitNormalization } from "./normalization/unit-normalization.ts";
export {
  AdaptiveAveragePooling1D,
  AdaptiveAveragePooling2D,
  AdaptiveAveragePooling3D,
  AdaptiveMaxPooling1D,
  AdaptiveMaxPooling2D,
  AdaptiveMaxPooling3D,
} from "./pooling/adaptive-pooling.ts";
export {
  GlobalAveragePooling1D,
  GlobalAveragePooling1D as GlobalAvgPool1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling2D as GlobalAvgPool2D,
  GlobalAveragePooling3D,
  GlobalAveragePooling3D as GlobalAvgPool3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling1D as GlobalMaxPool1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling2D as GlobalMaxPool2D,
  GlobalMaxPooling3D,
  GlobalMaxPooling3D as GlobalMaxPool3D,
} from "./pooling/global-pooling.ts";
export {
  AveragePooling1D,
  AveragePooling1D as AvgPool1D,
  AveragePooling2D,
  AveragePooling2D as AvgPool2D,
  AveragePooling3D,
  AveragePooling3D as AvgPool3D,
  MaxPooling1D,
  MaxPooling1D as MaxPool1D,
  MaxPooling2D,
  MaxPooling2D as MaxPool2D,
  MaxPooling3D,
  MaxPooling3D as MaxPool3D,
} from "./pooling/pooling.ts";
export { ActivityRegularization } from "./regularization/activity-regularization.ts";
export { AlphaDropout } from "./regularization/alpha-dropout.ts";
export { Dropout } from "./regularization/dropout.ts";
export { GaussianDropout } from "./regularization/gaussian-dropout.ts";
export { GaussianNoise } from "./regularization/gaussian-noise.ts";
export {
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
} from "./regularization/spatial-dropout.ts";
export { Cropping1D, Cropping2D, Cropping3D } from "./reshaping/cropping.ts";
export { Flatten } from "./reshaping/flatten.ts";
export { Permute } from "./reshaping/permute.ts";
export { RepeatVector } from "./reshaping/repeat-vector.ts";
export { Reshape } from "./reshaping/reshape.ts";
export { UpSampling1D, UpSampling2D, UpSampling3D } from "./reshaping/up-sampling.ts";
export { ZeroPadding1D, ZeroPadding2D, ZeroPadding3D } from "./reshaping/zero-padding.ts";
export { Bidirectional } from "./rnn/bidirectional.ts";
export { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D } from "./rnn/conv-lstm.ts";
export { GRU } from "./rnn/gru.ts";
export { GRUCell } from "./rnn/gru-cell.ts";
export { LSTM } from "./rnn/lstm.ts";
export { LSTMCell } from "./rnn/lstm-cell.ts";
export { RNN } from "./rnn/rnn.ts";
export { SimpleRNN } from "./rnn/simple-rnn.ts";
export { SimpleRNNCell } from "./rnn/simple-rnn-cell.ts";
export { StackedRNNCells } from "./rnn/stacked-rnn-cells.ts";
export { TimeDistributed } from "./rnn/time-distributed.ts";
export { deserialize, serialize } from "./serialization.ts";
