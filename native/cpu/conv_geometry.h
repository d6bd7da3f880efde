// The geometry of a convolution, always with three spatial axes: missing ones
// have length 1 and come first. Retargeted: include after pack.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

KERATIN_INLINE int64_t Product(const int64_t* lengths) {
  return lengths[0] * lengths[1] * lengths[2];
}

// x [N, in, C], kernel [window, C / groups, F], y [N, out, F]: position o of y
// sees position o * stride + tap * dilation - low of x.
struct Geometry {
  int64_t batch, groups;
  int64_t in[3], out[3], window[3], stride[3], dilation[3], low[3];
  int64_t in_channels, out_channels;  // of all groups
  int64_t group_in, group_out;        // of one
};

Geometry ReadGeometry(const KernelCall& call, const TensorView& x,
                      const TensorView& kernel, const TensorView& y) {
  Attributes attributes = call.attributes();
  int rank, paddings;
  const int32_t* strides = attributes.Ints(&rank);
  const int32_t* padding = attributes.Ints(&paddings);
  const int32_t* dilation = attributes.Ints(&rank);
  Geometry g{};
  g.groups = attributes.Int();
  g.batch = x.shape[0];
  g.in_channels = x.shape[rank + 1];
  g.out_channels = y.shape[rank + 1];
  g.group_in = g.in_channels / g.groups;
  g.group_out = g.out_channels / g.groups;
  for (int i = 0; i < 3; i++) {
    const int own = i - (3 - rank);
    g.in[i] = own >= 0 ? x.shape[1 + own] : 1;
    g.out[i] = own >= 0 ? y.shape[1 + own] : 1;
    g.window[i] = own >= 0 ? kernel.shape[own] : 1;
    g.stride[i] = own >= 0 ? strides[own] : 1;
    g.dilation[i] = own >= 0 ? dilation[own] : 1;
    g.low[i] = own >= 0 ? padding[2 * own] : 0;
  }
  return g;
}

// A product of matrices: [pixels, C] by [C, F].
bool IsPointwise(const Geometry& g) {
  bool plain = g.groups == 1;
  for (int i = 0; i < 3; i++) {
    plain &= g.window[i] == 1 && g.stride[i] == 1 && g.low[i] == 0 &&
             g.in[i] == g.out[i];
  }
  return plain;
}

bool IsDepthwise(const Geometry& g) {
  return g.group_in == 1 && g.group_out == 1;
}

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// The i of [0, count) for which first + i * step lies within [0, length).
KERATIN_INLINE Range Within(int64_t first, int64_t step, int64_t count,
                            int64_t length) {
  Range r;
  r.begin = first >= 0 ? 0 : CeilDiv(-first, step);
  r.end = first >= length ? 0 : (length - 1 - first) / step + 1;
  r.end = Min(r.end, count);
  r.begin = Min(r.begin, r.end);
  return r;
}

// A convolution along one axis in a form that the input gradient has too.
// Output t of [0, count) is stored at `begin` + t * spacing; its tap j of
// [0, taps) is number first_tap + j * tap_step of the kernel and reads input
// t * stride + offset + j * step.
struct DirectAxis {
  int64_t in, out;  // lengths as stored
  int64_t count, begin, spacing;
  int64_t stride, offset, step;
  int64_t taps, first_tap, tap_step;

  // The taps that read within the input.
  Range Taps(int64_t t) const {
    return Within(t * stride + offset, step, taps, in);
  }
  // No tap of any output reads beyond the input.
  bool Inside() const {
    return taps == 0 || (offset >= 0 && (count - 1) * stride + offset +
                                                (taps - 1) * step <
                                            in);
  }
};

struct Direct {
  int64_t batch, groups;
  int64_t in_channels, out_channels, group_in, group_out;
  DirectAxis axis[3];
  // Element (input channel, output channel) of group q and kernel tap t lies
  // at t * tap_size + q * group_out' + channel_in * in_stride + ...
  int64_t window[3];
  int64_t tap_size, group_stride, in_stride, out_stride;

  int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  int64_t pixels() const {
    return axis[0].count * axis[1].count * axis[2].count;
  }
};

KERATIN_INLINE int64_t ImageSize(const Direct& d) {
  return d.axis[0].in * d.axis[1].in * d.axis[2].in * d.in_channels;
}

Direct ForwardOf(const Geometry& g) {
  Direct d{};
  d.batch = g.batch;
  d.groups = g.groups;
  d.in_channels = g.in_channels;
  d.out_channels = g.out_channels;
  d.group_in = g.group_in;
  d.group_out = g.group_out;
  for (int i = 0; i < 3; i++) {
    DirectAxis& a = d.axis[i];
    a.in = g.in[i];
    a.out = a.count = g.out[i];
    a.spacing = 1;
    a.stride = g.stride[i];
    a.offset = -g.low[i];
    a.step = g.dilation[i];
    a.taps = g.window[i];
    a.tap_step = 1;
    d.window[i] = g.window[i];
  }
  d.tap_size = g.group_in * g.out_channels;
  d.group_stride = g.group_out;
  d.in_stride = g.out_channels;
  d.out_stride = 1;
  return d;
}

// The gradient of the inputs whose position leaves the remainders `phase` when
// divided by the strides: a convolution of dy of stride 1 with every so manyth
// tap, channels exchanged. Position i = t * stride + phase receives from
// output o through tap k if o * stride + k * dilation - low = i.
Direct InputBackwardOf(const Geometry& g, const int64_t* phase) {
  Direct d = ForwardOf(g);
  d.in_channels = g.out_channels;
  d.out_channels = g.in_channels;
  d.group_in = g.group_out;
  d.group_out = g.group_in;
  d.in_stride = 1;
  d.out_stride = g.out_channels;
  for (int i = 0; i < 3; i++) {
    DirectAxis& a = d.axis[i];
    a.in = g.out[i];
    a.out = g.in[i];
    a.begin = phase[i];
    a.spacing = g.stride[i];
    a.count = Max(CeilDiv(g.in[i] - phase[i], g.stride[i]), 0);
    a.stride = 1;
    // The taps k with (phase + low - k dilation) divisible by the stride; o
    // falls as k grows, so they are listed from the last.
    a.taps = 0;
    a.step = 1;
    a.tap_step = 0;
    for (int64_t k = g.window[i] - 1; k >= 0; k--) {
      const int64_t distance = phase[i] + g.low[i] - k * g.dilation[i];
      if (distance % g.stride[i] != 0) continue;
      const int64_t offset = distance / g.stride[i];
      if (a.taps == 0) {
        a.first_tap = k;
        a.offset = offset;
      } else if (a.taps == 1) {
        a.tap_step = k - a.first_tap;
        a.step = offset - a.offset;
      }
      a.taps++;
    }
  }
  return d;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
