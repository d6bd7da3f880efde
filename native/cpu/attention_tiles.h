// What attention and its gradients share: operands, tiles of scores, products.
// Retargeted: include after wide.h and pack.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Queries and keys of a tile: its scores stay in L1. Queries that share packed
// keys.
constexpr int64_t kQueries = 32;
constexpr int64_t kKeys = 128;
constexpr int64_t kChunk = 128;
// The score of a masked pair, as in Keras: a row of nothing else is uniform.
constexpr double kMasked = -0.7 * 3.38953e38;

// A tensor that broadcasts to [B, N, T, S]; null: none.
struct Pairs {
  const void* data;
  int64_t strides[4];  // 0 where it is repeated

  int64_t At(int64_t b, int64_t n, int64_t t, int64_t s) const {
    return b * strides[0] + n * strides[1] + t * strides[2] + s * strides[3];
  }
};

// Queries [query, query + rows) of head `head`, keys [key, key + columns).
struct TileOfScores {
  int64_t b, head, query, rows, key, columns;
};

struct Attention {
  int64_t batch, queries, heads, depth;  // B T N H
  int64_t keys, kv_heads, width;         // S K D
  double scale;
  bool causal;
  Pairs bias, mask;

  int64_t group() const { return kv_heads == 0 ? 0 : heads / kv_heads; }
  // Whether keys after a query have no part in its row. Else they have the
  // masked score: a mask or an infinite bias may leave a row nothing higher,
  // and then it is uniform over every key.
  bool skips() const {
    return causal && mask.data == nullptr && bias.data == nullptr;
  }
  // Keys of [key, key + count) that have a part in rows up to `query`.
  int64_t Seen(int64_t query, int64_t key, int64_t count) const {
    if (!skips()) return count;
    return Max(0, Min(count, query - key + 1));
  }
};

Pairs PairsOf(const TensorView& x) {
  Pairs pairs{x.data, {}};
  int64_t stride = 1;
  for (int i = 3; i >= 0; i--) {
    pairs.strides[i] = x.shape[i] == 1 ? 0 : stride;
    stride *= x.shape[i];
  }
  return pairs;
}

// `optional`: the position of the bias and the mask among the inputs.
Attention ReadAttention(const KernelCall& call, int optional) {
  const TensorView& q = call.inputs[0];
  const TensorView& k = call.inputs[1];
  const TensorView& v = call.inputs[2];
  Attributes attributes = call.attributes();
  Attention a{};
  a.scale = attributes.Float();
  a.causal = attributes.Bool();
  const bool has_bias = attributes.Bool();
  const bool has_mask = attributes.Bool();
  a.batch = q.shape[0];
  a.queries = q.shape[1];
  a.heads = q.shape[2];
  a.depth = q.shape[3];
  a.keys = k.shape[1];
  a.kv_heads = k.shape[2];
  a.width = v.shape[3];
  if (has_bias) a.bias = PairsOf(call.inputs[optional++]);
  if (has_mask) a.mask = PairsOf(call.inputs[optional]);
  return a;
}

// Rows of one head, in the type computed in.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;

  const T* at(int64_t row) const { return data + row * stride; }
};

// Rows [first, first + count) of head `head` of x [., rows, heads, columns];
// halves are widened into `room`.
template <class S>
Rows<Wide<S>> HeadRows(const TensorView& x, int64_t b, int64_t head,
                       int64_t first, int64_t count, Wide<S>* room) {
  const int64_t heads = x.shape[2];
  const int64_t columns = x.shape[3];
  const int64_t stride = heads * columns;
  const S* from =
      x.as<const S>() + ((b * x.shape[1] + first) * heads + head) * columns;
  if constexpr (sizeof(S) == sizeof(Wide<S>)) {
    return {from, stride};
  } else {
    for (int64_t i = 0; i < count; i++) {
      Widen(from + i * stride, room + i * columns, columns);
    }
    return {room, columns};
  }
}

template <class S>
void StoreHeadRows(const TensorView& x, int64_t b, int64_t head, int64_t first,
                   int64_t count, const Wide<S>* rows) {
  const int64_t heads = x.shape[2];
  const int64_t columns = x.shape[3];
  S* to = x.as<S>() + ((b * x.shape[1] + first) * heads + head) * columns;
  for (int64_t i = 0; i < count; i++) {
    Narrow(rows + i * columns, to + i * heads * columns, columns);
  }
}

// Elements that `count` rows of `columns`, packed as panels, take.
template <class T>
int64_t PanelsSize(int64_t count, int64_t columns) {
  return RoundUp(count, kPanel<T>) * columns;
}

// The transpose of `count` rows of `columns`, in panels.
template <class T>
void PackRows(Rows<T> rows, int64_t count, int64_t columns, T* panels) {
  for (int64_t j = 0; j < count; j += kPanel<T>) {
    PackPanel(rows.at(j), 1, rows.stride, columns,
              static_cast<int>(Min(kPanel<T>, count - j)), panels + j * columns);
  }
}

// C (+)= A B, of k terms each: element (i, p) of A at i a_row + p a_step.
template <class T>
struct Factors {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_step;
};

// B is packed as panels, k rows long.
template <class T>
void TimesPanels(const Factors<T>& f, const T* panels, T* c, int64_t c_row) {
  Tile<T> tile{kWhole, 1,         f.k, f.a,   f.a_row,           f.a_step, nullptr,
               kPanel<T>, nullptr, c_row, 0, false, Activation::kNone, nullptr};
  for (int64_t j = 0; j < f.n; j += kPanel<T>) {
    tile.b = panels + j * f.k;
    tile.c = c + j;
    tile.columns = static_cast<int>(Min(kPanel<T>, f.n - j));
    RunRows(tile, f.m);
  }
}

// B lies in rows; adds to C.
template <class T>
void AddTimesRows(const Factors<T>& f, Rows<T> b, T* c, int64_t c_row) {
  Tile<T> tile{kWhole, 1,        f.k, f.a,   f.a_row,          f.a_step, nullptr,
               b.stride, nullptr, c_row, 0, true, Activation::kNone, nullptr};
  for (int64_t j = 0; j < f.n; j += kPanel<T>) {
    tile.b = b.data + j;
    tile.c = c + j;
    tile.columns = static_cast<int>(Min(kPanel<T>, f.n - j));
    RunRows(tile, f.m);
  }
}

template <class S>
Wide<S> Widened(S x) {
  if constexpr (sizeof(S) == sizeof(Wide<S>)) {
    return x;
  } else {
    return ToFloat(x);
  }
}

// scores [rows, kKeys] = q k^T * scale + bias, masked unless that is skipped.
template <class S>
void Scores(const Attention& a, const TileOfScores& t, Rows<Wide<S>> q,
            const Wide<S>* k_panels, Wide<S>* scores) {
  using T = Wide<S>;
  TimesPanels<T>({t.rows, t.columns, a.depth, q.data, q.stride, 1}, k_panels,
                 scores, kKeys);
  const T scale = static_cast<T>(a.scale);
  for (int64_t i = 0; i < t.rows; i++) {
    T* row = scores + i * kKeys;
    for (int64_t j = 0; j < t.columns; j++) row[j] *= scale;
    if (a.bias.data != nullptr) {
      const S* bias = static_cast<const S*>(a.bias.data) +
                      a.bias.At(t.b, t.head, t.query + i, t.key);
      for (int64_t j = 0; j < t.columns; j++) {
        row[j] += Widened(bias[j * a.bias.strides[3]]);
      }
    }
    if (a.mask.data != nullptr) {
      const uint8_t* mask = static_cast<const uint8_t*>(a.mask.data) +
                            a.mask.At(t.b, t.head, t.query + i, t.key);
      for (int64_t j = 0; j < t.columns; j++) {
        const bool seen = mask[j * a.mask.strides[3]] != 0;
        row[j] = seen ? row[j] : static_cast<T>(kMasked);
      }
    }
    if (!a.causal || a.skips()) continue;
    for (int64_t j = Max(0, t.query + i - t.key + 1); j < t.columns; j++) {
      row[j] = static_cast<T>(kMasked);
    }
  }
}

// Of a row of the tile, ds = 0 where a pair is masked and not skipped.
template <class T>
void ClearMasked(const Attention& a, const TileOfScores& t, int64_t i, T* ds) {
  if (a.mask.data != nullptr) {
    const uint8_t* mask = static_cast<const uint8_t*>(a.mask.data) +
                          a.mask.At(t.b, t.head, t.query + i, t.key);
    for (int64_t j = 0; j < t.columns; j++) {
      ds[j] = mask[j * a.mask.strides[3]] != 0 ? ds[j] : 0;
    }
  }
  if (!a.causal || a.skips()) return;
  for (int64_t j = Max(0, t.query + i - t.key + 1); j < t.columns; j++) {
    ds[j] = 0;
  }
}

// The highest of a row; NaN counts as nothing, the sum shows it.
float TopOf(const float* x, int64_t n) {
  Vec tops = Set(-kInfinity);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    tops = RawMax(Load(x + i), tops);
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    tops = RawMax(Select(rest, Load(x + i, rest), tops), tops);
  }
  return FoldLanes(tops, [](Vec a, Vec b) { return RawMax(a, b); });
}
double TopOf(const double* x, int64_t n) {
  double top = -__builtin_inf();
  for (int64_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

// x = exp(x - top), and their sum.
float ExpRow(float* x, int64_t n, float top) {
  const Vec shift = Set(top);
  Vec sums = Set(0);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    const Vec e = Exp(Load(x + i) - shift);
    Store(x + i, e);
    sums = sums + e;
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    const Vec e = Exp(Load(x + i, rest) - shift);
    Store(x + i, rest, e);
    sums = sums + Select(rest, e, Set(0));
  }
  return SumLanes(sums);
}
double ExpRow(double* x, int64_t n, double top) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    x[i] = ::exp(x[i] - top);
    sum += x[i];
  }
  return sum;
}

// What the gradient of a row of scores takes.
template <class T>
struct RowOfScores {
  T top, inverse;  // of its softmax: the maximum, 1 / the sum
  T delta;         // sum(dy y)
  T scale;
};

// p = exp(p - top) inverse, ds = p (ds - delta) scale.
void GradientRow(const RowOfScores<float>& row, int64_t n, float* p, float* ds) {
  const Vec top = Set(row.top), inverse = Set(row.inverse);
  const Vec delta = Set(row.delta), scale = Set(row.scale);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    const Vec weight = Exp(Load(p + i) - top) * inverse;
    Store(p + i, weight);
    Store(ds + i, weight * (Load(ds + i) - delta) * scale);
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    const Vec weight = Exp(Load(p + i, rest) - top) * inverse;
    Store(p + i, rest, weight);
    Store(ds + i, rest, weight * (Load(ds + i, rest) - delta) * scale);
  }
}
void GradientRow(const RowOfScores<double>& row, int64_t n, double* p,
                 double* ds) {
  for (int64_t i = 0; i < n; i++) {
    p[i] = ::exp(p[i] - row.top) * row.inverse;
    ds[i] = p[i] * (ds[i] - row.delta) * row.scale;
  }
}

// Sum(x y).
float DotOf(const float* x, const float* y, int64_t n) {
  Vec sums = Set(0);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    sums = MulAdd(Load(x + i), Load(y + i), sums);
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    sums = MulAdd(Load(x + i, rest), Load(y + i, rest), sums);
  }
  return SumLanes(sums);
}
double DotOf(const double* x, const double* y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
