// The geometry of a convolution, always with three spatial axes: missing ones
// have length 1. Retargeted: include after microkernel.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

struct Geometry {
  int64_t batch, groups;
  int64_t in[3], out[3], window[3];  // spatial: depth, height, width
  int64_t stride[3], dilation[3], low[3];
  int64_t in_channels, out_channels;      // of all groups
  int64_t group_in, group_out;            // of one
  int64_t in_size() const { return in[0] * in[1] * in[2] * in_channels; }
  int64_t out_size() const { return out[0] * out[1] * out[2] * out_channels; }
  int64_t taps() const { return window[0] * window[1] * window[2]; }
  bool unit_dilation() const {
    return dilation[0] == 1 && dilation[1] == 1 && dilation[2] == 1;
  }
  bool unit_stride() const {
    return stride[0] == 1 && stride[1] == 1 && stride[2] == 1;
  }
  bool padded() const {
    for (int i = 0; i < 3; i++) {
      if (low[i] != 0) return true;
      // The last window ends beyond the input.
      const int64_t extent = (window[i] - 1) * dilation[i] + 1;
      if ((out[i] - 1) * stride[i] + extent > in[i]) return true;
    }
    return false;
  }
};

// x [N, spatial, C], kernel [spatial, C / groups, F], y [N, spatial, F].
[[maybe_unused]] void ReadGeometry(Attributes& attributes,
                                   const int64_t* x_shape,
                                   const int64_t* kernel_shape,
                                   const int64_t* y_shape, int ndim,
                                   Geometry* g) {
  const int rank = ndim - 2;
  const int missing = 3 - rank;
  int count;
  const int32_t* strides = attributes.Ints(&count);
  const int32_t* padding = attributes.Ints(&count);
  const int32_t* dilation = attributes.Ints(&count);
  g->groups = attributes.Int();
  for (int i = 0; i < 3; i++) {
    const int own = i - missing;
    const bool exists = own >= 0;
    g->in[i] = exists ? x_shape[1 + own] : 1;
    g->out[i] = exists ? y_shape[1 + own] : 1;
    g->window[i] = exists ? kernel_shape[own] : 1;
    g->stride[i] = exists ? strides[own] : 1;
    g->dilation[i] = exists ? dilation[own] : 1;
    g->low[i] = exists ? padding[2 * own] : 0;
  }
  g->batch = x_shape[0];
  g->in_channels = x_shape[ndim - 1];
  g->out_channels = y_shape[ndim - 1];
  g->group_in = g->in_channels / g->groups;
  g->group_out = g->out_channels / g->groups;
}

// The taps t of [0, window) for which position out * stride + t * dilation -
// low lies within [0, length).
KERATIN_INLINE void ValidTaps(int64_t out, int64_t stride, int64_t dilation,
                              int64_t low, int64_t window, int64_t length,
                              int64_t* begin, int64_t* end) {
  const int64_t first = out * stride - low;
  int64_t b = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
  int64_t e = first >= length ? 0 : (length - 1 - first) / dilation + 1;
  if (e > window) e = window;
  if (b > e) b = e;
  *begin = b;
  *end = e;
}

// The outputs o of [0, out) for which o * stride + tap * dilation - low lies
// within [0, length).
KERATIN_INLINE void ValidOutputs(int64_t tap, int64_t stride, int64_t dilation,
                                 int64_t low, int64_t out, int64_t length,
                                 int64_t* begin, int64_t* end) {
  const int64_t first = tap * dilation - low;
  int64_t b = first >= 0 ? 0 : (-first + stride - 1) / stride;
  int64_t e = first >= length ? 0 : (length - 1 - first) / stride + 1;
  if (e > out) e = out;
  if (b > e) b = e;
  *begin = b;
  *end = e;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
