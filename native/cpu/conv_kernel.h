// The gradient of a convolution's kernel: for every tap a product of x,
// transposed, with dy, its reduction the output pixels: one segment for each
// image row. A thread owns tiles of the result and goes through all pixels in
// order, in blocks whose rows of dy it packs unless they are a panel already. Retargeted: include after
// conv_geometry.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Output pixels of a block: a panel of dy stays in L1.
constexpr int64_t kGradientPixels = 256;

// Rows of the result that are neighbours in x too: the channels under one tap,
// or under all taps of a kernel row.
struct TapRows {
  int64_t tap[3];  // the first
  int64_t rows;
  Range columns;  // of the output: where the tap reads within the image
};

// A rectangle of output pixels, rows numbered over images, planes and rows.
struct PixelBlock {
  Range rows, columns;
};

template <class T>
struct KernelGradient {
  const Geometry& g;
  const T* x;
  const T* dy;
  T* dw;
  bool accumulates;  // onto what dw holds

  Range OutputsOf(int axis, int64_t tap) const {
    return Within(tap * g.dilation[axis] - g.low[axis], g.stride[axis],
                  g.out[axis], g.in[axis]);
  }

  // All taps of a kernel row read within the image, and read neighbours.
  bool Merges() const {
    bool merges = g.groups == 1 && g.dilation[2] == 1;
    for (int64_t k = 0; k < g.window[2]; k++) {
      merges &= OutputsOf(2, k).size() == g.out[2];
    }
    return merges;
  }

  // Fills `list` (room for every tap); returns how many.
  int64_t ListRows(TapRows* list) const {
    const bool merges = Merges();
    const int64_t step = merges ? g.window[2] : 1;
    int64_t count = 0;
    for (int64_t i = 0; i < g.window[0]; i++) {
      for (int64_t j = 0; j < g.window[1]; j++) {
        for (int64_t k = 0; k < g.window[2]; k += step) {
          list[count++] = {{i, j, k}, step * g.group_in, OutputsOf(2, k)};
        }
      }
    }
    return count;
  }

  // dy as it is serves as its only panel.
  bool InPlace() const { return g.out_channels <= kPanel<T>; }
  int64_t PanelStep() const {
    return InPlace() ? g.out_channels : kPanel<T>;
  }

  // The pixels of `block` that the tap reads within the image: offsets from x
  // and, in the panel, from the block's first pixel of dy.
  void ListPixels(const TapRows& t, const PixelBlock& block, Tile<T>* tile,
                  Segment* segments) const {
    const Range columns{Max(t.columns.begin, block.columns.begin),
                        Min(t.columns.end, block.columns.end)};
    tile->segments = segments;
    tile->steps = Max(columns.size(), 0);
    tile->num_segments = 0;
    if (tile->steps == 0) return;
    const int64_t width = InPlace() ? g.out[2] : block.columns.size();
    const int64_t column = columns.begin * g.stride[2] +
                           t.tap[2] * g.dilation[2] - g.low[2];
    for (int64_t r = block.rows.begin; r < block.rows.end; r++) {
      const int64_t n = r / (g.out[1] * g.out[0]);
      const int64_t at[2] = {r / g.out[1] % g.out[0], r % g.out[1]};
      int64_t position = n;
      bool inside = true;
      for (int i = 0; i < 2; i++) {
        const int64_t p = at[i] * g.stride[i] + t.tap[i] * g.dilation[i] -
                          g.low[i];
        inside &= p >= 0 && p < g.in[i];
        position = position * g.in[i] + p;
      }
      if (!inside) continue;
      segments[tile->num_segments++] = {
          (position * g.in[2] + column) * g.in_channels,
          ((r - block.rows.begin) * width + columns.begin -
           block.columns.begin) * PanelStep()};
    }
  }

  void PackOutputs(const PixelBlock& block, int64_t first, int columns,
                   T* to) const {
    const int64_t width = block.columns.size();
    for (int64_t r = block.rows.begin; r < block.rows.end; r++) {
      PackPanel(dy + (r * g.out[2] + block.columns.begin) * g.out_channels +
                    first,
                g.out_channels, 1, width, columns, to);
      to += width * kPanel<T>;
    }
  }

  // Tiles [begin, end) of all, numbered by group, panel, entry of the list and
  // rows of the entry. False: out of scratch memory.
  bool RunTiles(const TapRows* list, const int64_t* tiles_before,
                int64_t entries, int64_t begin, int64_t end) const {
    constexpr int64_t kWidth = kPanel<T>;
    const int64_t per_panel = tiles_before[entries];
    const int64_t panels = CeilDiv(g.group_out, kWidth);
    const int64_t total_rows = g.batch * g.out[0] * g.out[1];
    const int64_t block_columns = EvenBlock(g.out[2], 2 * kGradientPixels);
    const int64_t block_rows =
        Min(total_rows, Max(kGradientPixels / block_columns, 1));
    Scratch scratch;
    T* packed = scratch.Take<T>(block_rows * block_columns * kWidth);
    Segment* segments = scratch.Take<Segment>(entries * block_rows);
    Tile<T>* tiles = scratch.Take<Tile<T>>(entries);
    if (packed == nullptr || segments == nullptr || tiles == nullptr) {
      return false;
    }
    PixelBlock block;
    for (int64_t row = 0; row < total_rows; row += block_rows) {
      block.rows = {row, Min(total_rows, row + block_rows)};
      for (int64_t column = 0; column < g.out[2]; column += block_columns) {
        block.columns = {column, Min(g.out[2], column + block_columns)};
        for (int64_t i = 0; i < entries; i++) {
          tiles[i] = {};
          tiles[i].a_row = 1;
          tiles[i].a_step = g.stride[2] * g.in_channels;
          tiles[i].b_step = PanelStep();
          tiles[i].c_row = g.out_channels;
          tiles[i].accumulate = true;
          ListPixels(list[i], block, &tiles[i], segments + i * block_rows);
        }
        const int64_t first_pixel =
            block.rows.begin * g.out[2] + block.columns.begin;
        int64_t packed_panel = -1;
        int64_t entry = 0;
        for (int64_t u = begin; u < end; u++) {
          const int64_t panel = u / per_panel % panels;
          const int64_t group = u / (per_panel * panels);
          const int64_t index = u % per_panel;
          const int64_t filter = group * g.group_out + panel * kWidth;
          const int columns =
              static_cast<int>(Min(kWidth, g.group_out - panel * kWidth));
          if (packed_panel != u / per_panel) {
            packed_panel = u / per_panel;
            if (!InPlace()) PackOutputs(block, filter, columns, packed);
            entry = 0;
          }
          while (index >= tiles_before[entry + 1]) entry++;
          if (tiles[entry].num_segments == 0) continue;
          const TapRows& t = list[entry];
          const int64_t count = tiles_before[entry + 1] - tiles_before[entry];
          const int64_t i = index - tiles_before[entry];
          const int64_t first = t.rows * i / count;
          const int64_t rows = t.rows * (i + 1) / count - first;
          const int64_t tap =
              (t.tap[0] * g.window[1] + t.tap[1]) * g.window[2] + t.tap[2];
          Tile<T> tile = tiles[entry];
          tile.a = x + group * g.group_in + first;
          tile.b = InPlace() ? dy + filter + first_pixel * g.out_channels
                             : packed;
          tile.c = dw + (tap * g.group_in + first) * g.out_channels + filter;
          tile.columns = columns;
          TileFor<T>(static_cast<int>(rows), columns)(tile);
        }
      }
    }
    return true;
  }

  // False: out of scratch memory.
  bool Run() const {
    const int64_t taps = Product(g.window);
    if (!accumulates) {
      __builtin_memset(dw, 0, static_cast<size_t>(taps * g.group_in *
                                                  g.out_channels) * sizeof(T));
    }
    Scratch scratch;
    TapRows* list = scratch.Take<TapRows>(taps);
    int64_t* tiles_before = scratch.Take<int64_t>(taps + 1);
    if (list == nullptr || tiles_before == nullptr) return false;
    const int64_t entries = ListRows(list);
    tiles_before[0] = 0;
    for (int64_t i = 0; i < entries; i++) {
      tiles_before[i + 1] = tiles_before[i] + CeilDiv(list[i].rows, kTileRows<T>);
    }
    const int64_t units = tiles_before[entries] * g.groups *
                          CeilDiv(g.group_out, kPanel<T>);
    const double cost =
        GemmCost(sizeof(T) == 8 ? DType::kFloat64 : DType::kFloat32,
                 taps * g.group_in, g.group_out,
                 g.batch * Product(g.out)) *
        static_cast<double>(g.groups);
    bool failed = false;
    ParallelFor(units, cost / static_cast<double>(units), 1,
                [&](int64_t begin, int64_t end) {
      if (!RunTiles(list, tiles_before, entries, begin, end)) {
        __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      }
    });
    return !failed;
  }
};

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
