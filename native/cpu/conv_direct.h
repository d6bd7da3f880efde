// Direct convolution on the micro-kernel, and with it the input gradient: no
// image is unrolled. The rows of a tile are neighbouring output pixels of one
// image row (or, where rows are very short, one pixel of neighbouring images),
// its reduction one segment for each row of the window: taps * C contiguous
// floats. Rows of the window beyond the image are left out. So are its columns
// where they are a good part of the work: the ends of image rows then go to
// tiles of their own, whose rows are pixels below each other. Otherwise they
// are made by copying the rows that a block of outputs reads between zeros,
// which also separates groups and widens halves. Retargeted: include after
// wide.h and conv_geometry.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Input that a block of outputs reads: with the kernel's panel it fits in L2.
constexpr int64_t kBlockBytes = 160 << 10;
// Outputs in a block at least, so that a panel of the kernel is worth loading.
constexpr int64_t kBlockPixels = 64;
// Terms that are summed in one go; such sums are added up.
constexpr int64_t kTerms = 512;

// Image rows below this length leave a tile half empty.
constexpr int64_t kShortRow = 4;

// The outputs, among `outputs`, all of whose taps read within the input.
KERATIN_INLINE Range InnerColumns(const DirectAxis& axis, Range outputs) {
  const Range first = Within(axis.offset, axis.stride, axis.count, axis.in);
  const Range last = Within(axis.offset + (axis.taps - 1) * axis.step,
                            axis.stride, axis.count, axis.in);
  const int64_t begin = Max(Max(first.begin, last.begin), outputs.begin);
  const int64_t end = Min(Min(first.end, last.end), outputs.end);
  return begin < end ? Range{begin, end} : Range{outputs.end, outputs.end};
}

// Rows, and columns without their ends, from which on the ends are worth tiles
// of their own; and the part of all columns that they then are at least, since
// else copying the rows costs less.
constexpr int64_t kCutLength = 6;
constexpr int64_t kCutPart = 7;

// Whether the ends, where some taps read beyond the input, are computed apart.
KERATIN_INLINE bool CutsEnds(const Direct& d) {
  const int64_t columns = d.axis[2].count;
  const int64_t inner = InnerColumns(d.axis[2], {0, columns}).size();
  return d.axis[1].count >= kCutLength && inner >= kCutLength &&
         (columns - inner) * kCutPart >= columns;
}

// The kernel as [groups][panels][taps][C / groups][kPanel].
template <class T>
int64_t PackedSize(const Direct& d) {
  return d.groups * RoundUp(d.group_out, kPanel<T>) * d.taps() * d.group_in;
}

template <class S, class T>
void PackKernel(const Direct& d, const S* w, T* to) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t panels = CeilDiv(d.group_out, kWidth);
  const int64_t tap_size = d.group_in * kWidth;
  const DirectAxis* axis = d.axis;
  ParallelFor(d.groups * panels * d.taps(), static_cast<double>(tap_size) * 0.3,
              1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t panel = i / d.taps() % panels;
      const int64_t group = i / (d.taps() * panels);
      const int64_t j[3] = {i / (axis[2].taps * axis[1].taps) % axis[0].taps,
                            i / axis[2].taps % axis[1].taps,
                            i % axis[2].taps};
      int64_t tap = 0;
      for (int a = 0; a < 3; a++) {
        tap = tap * d.window[a] + axis[a].first_tap + j[a] * axis[a].tap_step;
      }
      PackPanel(w + tap * d.tap_size + group * d.group_stride +
                    panel * kWidth * d.out_stride,
                d.in_stride, d.out_stride, d.group_in,
                static_cast<int>(Min(kWidth, d.group_out - panel * kWidth)),
                to + i * tap_size);
    }
  });
}

// What one thread computes at a time: images, rows and columns of the output,
// at one position of the outermost axis.
struct Block {
  Range images, rows, columns;
  int64_t plane;
};

// How all outputs are cut into blocks of equal size.
struct Blocks {
  int64_t images, rows, columns;  // of a block
  int64_t across, down, along;    // blocks of the images, rows, columns
  int64_t planes;

  int64_t count() const { return across * planes * down * along; }
  Block operator[](int64_t i) const {
    const auto cut = [](int64_t index, int64_t size, int64_t limit) {
      return Range{index * size, Min(limit, (index + 1) * size)};
    };
    Block b;
    b.columns = cut(i % along, columns, columns_in_all);
    i /= along;
    b.rows = cut(i % down, rows, rows_in_all);
    i /= down;
    b.plane = i % planes;
    b.images = cut(i / planes, images, images_in_all);
    return b;
  }
  int64_t images_in_all, rows_in_all, columns_in_all;
};

template <class T>
Blocks CutDirect(const Direct& d, bool over_images) {
  const DirectAxis* axis = d.axis;
  const int64_t pixel_bytes = Max(axis[1].stride, 1) * Max(axis[2].stride, 1) *
                              axis[0].taps * d.in_channels *
                              static_cast<int64_t>(sizeof(T));
  const int64_t fitting = kBlockBytes / Max(pixel_bytes, 1);
  // Enough blocks for every thread to end at about the same time.
  const int64_t fair = d.batch * d.pixels() / (16 * ThreadCount());
  const int64_t pixels = Max(Min(fitting, fair), kBlockPixels);
  Blocks b;
  b.images_in_all = d.batch;
  b.planes = axis[0].count;
  b.rows_in_all = axis[1].count;
  b.columns_in_all = axis[2].count;
  b.columns = b.columns_in_all <= 2 * pixels
                  ? b.columns_in_all
                  : RoundUp(EvenBlock(b.columns_in_all, pixels), kTileRows<T>);
  b.images = over_images ? EvenBlock(d.batch, kBlockPixels) : 1;
  b.rows =
      EvenBlock(b.rows_in_all, Max(pixels / (b.images * b.columns), 1));
  if (b.rows == b.rows_in_all && b.columns == b.columns_in_all) {
    b.images = EvenBlock(d.batch, Max(pixels / (b.rows * b.columns), 1));
  }
  b.across = CeilDiv(b.images_in_all, b.images);
  b.down = CeilDiv(b.rows_in_all, b.rows);
  b.along = CeilDiv(b.columns_in_all, b.columns);
  return b;
}

// The input as the tiles of a block see it: in place, or copied.
template <class T>
struct InputView {
  const T* pixels;  // of image 0 (of the block), at position 0 of all axes
  int64_t image, plane, row, column;  // strides of the input
  // The position on each axis of what lies first.
  int64_t first[3];
  int64_t channels;

  const T* At(int64_t n, int64_t z, int64_t y, int64_t x) const {
    return pixels + n * image + (z - first[0]) * plane +
           (y - first[1]) * row + (x - first[2]) * column;
  }
};

// Positions that the taps of a range of outputs reach.
KERATIN_INLINE Range Reach(const DirectAxis& axis, Range outputs) {
  const int64_t begin = outputs.begin * axis.stride + axis.offset;
  return {begin, begin + (outputs.size() - 1) * axis.stride +
                     (axis.taps - 1) * axis.step + 1};
}

// What the rows of a tile are: neighbouring outputs along an axis.
enum class Along { kColumns, kRows, kImages };

template <class S, class T>
struct DirectRun {
  const Direct& d;
  const S* x;
  const T* packed;
  S* y;
  bool copies;       // the input of a block
  bool over_images;  // a tile's rows are images
  // Outputs with taps beyond the ends of a row are computed apart from the
  // others, without these taps.
  bool cuts;

  // Elements of the copy of one image's part of a block.
  int64_t CopySize(const Block& b) const {
    return Reach(d.axis[0], {b.plane, b.plane + 1}).size() *
           Reach(d.axis[1], b.rows).size() *
           Reach(d.axis[2], b.columns).size() * d.group_in;
  }

  InputView<T> Copy(const Block& b, int64_t group, T* to) const {
    const Range z = Reach(d.axis[0], {b.plane, b.plane + 1});
    const Range rows = Reach(d.axis[1], b.rows);
    const Range columns = Reach(d.axis[2], b.columns);
    const int64_t c = d.group_in;
    InputView<T> view{to, 0, 0, 0, c, {z.begin, rows.begin, columns.begin}, c};
    view.row = columns.size() * c;
    view.plane = rows.size() * view.row;
    view.image = z.size() * view.plane;
    const int64_t width = d.axis[2].in;
    const Range inside = Within(columns.begin, 1, columns.size(), width);
    for (int64_t n = b.images.begin; n < b.images.end; n++) {
      for (int64_t k = 0; k < d.axis[0].taps; k++) {
        const int64_t plane = z.begin + k * d.axis[0].step;
        if (plane < 0 || plane >= d.axis[0].in) continue;
        for (int64_t r = rows.begin; r < rows.end; r++) {
          if (r < 0 || r >= d.axis[1].in) continue;
          const S* from = x + n * ImageSize(d) +
                          ((plane * d.axis[1].in + r) * width + columns.begin +
                           inside.begin) * d.in_channels +
                          group * c;
          T* line = to + (n - b.images.begin) * view.image +
                    (plane - z.begin) * view.plane +
                    (r - rows.begin) * view.row;
          Fill(line, inside.begin * c);
          line += inside.begin * c;
          if (d.groups == 1) {
            Widen(from, line, inside.size() * c);
          } else {
            for (int64_t i = 0; i < inside.size(); i++) {
              Widen(from + i * d.in_channels, line + i * c, c);
            }
          }
          Fill(line + inside.size() * c, (columns.size() - inside.end) * c);
        }
      }
    }
    return view;
  }

  static void Fill(T* to, int64_t n) {
    __builtin_memset(to, 0, static_cast<size_t>(n) * sizeof(T));
  }

  InputView<T> InPlace(const Block& b) const {
    if constexpr (sizeof(S) == sizeof(T)) {
      const int64_t c = d.in_channels;
      InputView<T> view{x, 0, 0, 0, c, {0, 0, 0}, c};
      view.row = d.axis[2].in * c;
      view.plane = d.axis[1].in * view.row;
      view.image = d.axis[0].in * view.plane;
      view.pixels = x + b.images.begin * view.image;
      return view;
    } else {
      (void)b;
      return {};
    }
  }

  // The segments of so many taps of each axis, from any first tap on.
  void List(const InputView<T>& view, const int64_t* taps, Tile<T>* tile,
            Segment* segments) const {
    const int64_t c = d.group_in;
    const DirectAxis* axis = d.axis;
    // Taps of a row in one segment, unless their sum gets long.
    const bool merged =
        axis[2].step == 1 && (taps[2] * c <= kTerms || c < kBlockPixels);
    const int64_t pieces = merged ? 1 : taps[2];
    tile->steps = merged ? taps[2] * c : c;
    tile->num_segments = 0;
    for (int64_t i = 0; i < taps[0]; i++) {
      for (int64_t j = 0; j < taps[1]; j++) {
        for (int64_t k = 0; k < pieces; k++) {
          segments[tile->num_segments++] = {
              i * axis[0].step * view.plane + j * axis[1].step * view.row +
                  k * axis[2].step * view.column,
              ((i * axis[1].taps + j) * axis[2].taps + k) * c * kPanel<T>};
        }
      }
    }
    if (taps[2] == 0) tile->num_segments = 0;
  }

  // The outputs of a block in all panels [panels.begin, panels.end) of a group.
  void RunBlock(const Block& b, const InputView<T>& view, int64_t group,
                Range panels, Segment* segments, T* sums) const {
    Lines lines{*this, b, view, segments, sums};
    const Range inner = cuts ? InnerColumns(d.axis[2], b.columns) : b.columns;
    for (int64_t panel = panels.begin; panel < panels.end; panel++) {
      lines.SetPanel(group, panel);
      if (over_images) {
        for (int64_t x = b.columns.begin; x < b.columns.end; x++) {
          lines.RunColumn(x, true);
        }
        continue;
      }
      for (int64_t x = b.columns.begin; x < inner.begin; x++) {
        lines.RunColumn(x, false);
      }
      if (inner.size() > 0) {
        for (int64_t n = b.images.begin; n < b.images.end; n++) {
          for (int64_t row = b.rows.begin; row < b.rows.end; row++) {
            lines.Run({n, row, inner.begin, Along::kColumns, inner.size()});
          }
        }
      }
      for (int64_t x = inner.end; x < b.columns.end; x++) {
        lines.RunColumn(x, false);
      }
    }
  }

  // Outputs from (n, row, column) on that share their taps.
  struct Line {
    int64_t n, row, column;
    Along along;
    int64_t length;
  };

  // Computes the lines of a block in one panel after the other.
  struct Lines {
    const DirectRun& run;
    const Block& block;
    const InputView<T>& view;
    Segment* segments;
    T* sums;
    Tile<T> tile{};
    int64_t listed[3] = {-1, -1, -1};  // the taps that `segments` is for
    const T* weights = nullptr;        // of the panel
    int64_t filter = 0;                // its first output channel

    void SetPanel(int64_t group, int64_t panel) {
      const Direct& d = run.d;
      constexpr int64_t kWidth = kPanel<T>;
      tile.segments = segments;
      tile.a_step = 1;
      tile.b_step = kWidth;
      tile.columns = static_cast<int>(Min(kWidth, d.group_out - panel * kWidth));
      weights = run.packed + (group * CeilDiv(d.group_out, kWidth) + panel) *
                                 d.taps() * d.group_in * kWidth;
      filter = group * d.group_out + panel * kWidth;
    }

    // One column of the block: down the rows that share their taps, or over
    // the images where those are more.
    void RunColumn(int64_t column, bool over_images) {
      const Range images = block.images;
      Range rows = block.rows;
      for (int64_t row = rows.begin; row < rows.end; row = rows.begin) {
        const Range taps = run.d.axis[1].Taps(row);
        const auto same = [&](int64_t at) {
          const Range other = run.d.axis[1].Taps(at);
          return other.begin == taps.begin && other.end == taps.end;
        };
        rows.begin = row + 1;
        while (!over_images && rows.begin < rows.end && same(rows.begin)) {
          rows.begin++;
        }
        const int64_t count = rows.begin - row;
        if (over_images || images.size() > count) {
          for (int64_t r = row; r < rows.begin; r++) {
            Run({images.begin, r, column, Along::kImages, images.size()});
          }
        } else {
          for (int64_t n = images.begin; n < images.end; n++) {
            Run({n, row, column, Along::kRows, count});
          }
        }
      }
    }

    void Run(const Line& line) {
      const Direct& d = run.d;
      const DirectAxis* axis = d.axis;
      const int64_t columns = axis[2].out;
      const int64_t image =
          axis[0].out * axis[1].out * columns * d.out_channels;
      int64_t out_row = 0;
      switch (line.along) {
        case Along::kColumns:
          tile.a_row = axis[2].stride * view.column;
          out_row = axis[2].spacing * d.out_channels;
          break;
        case Along::kRows:
          tile.a_row = axis[1].stride * view.row;
          out_row = axis[1].spacing * columns * d.out_channels;
          break;
        case Along::kImages:
          tile.a_row = view.image;
          out_row = image;
          break;
      }
      const int64_t at[3] = {block.plane, line.row, line.column};
      int64_t first[3], taps[3], from[3];
      bool same = true;
      for (int i = 0; i < 3; i++) {
        const Range r = i < 2 || line.along != Along::kColumns
                            ? axis[i].Taps(at[i])
                            : Range{0, axis[i].taps};
        first[i] = r.begin;
        taps[i] = r.size();
        same &= taps[i] == listed[i];
        from[i] =
            at[i] * axis[i].stride + axis[i].offset + first[i] * axis[i].step;
      }
      if (!same) {
        run.List(view, taps, &tile, segments);
        for (int i = 0; i < 3; i++) listed[i] = taps[i];
      }
      tile.a = tile.num_segments == 0
                   ? view.pixels
                   : view.At(line.n - block.images.begin, from[0], from[1],
                             from[2]);
      tile.b = weights + ((first[0] * axis[1].taps + first[1]) * axis[2].taps +
                          first[2]) *
                             d.group_in * kPanel<T>;
      S* out =
          run.y + line.n * image +
          (((axis[0].begin + block.plane * axis[0].spacing) * axis[1].out +
            axis[1].begin + line.row * axis[1].spacing) * columns +
           axis[2].begin + line.column * axis[2].spacing) *
              d.out_channels +
          filter;
      if constexpr (sizeof(S) == sizeof(T)) {
        tile.c = out;
        tile.c_row = out_row;
      } else {
        tile.c = sums;
        tile.c_row = kPanel<T>;
      }
      RunTerms(tile, line.length);
      if constexpr (sizeof(S) != sizeof(T)) {
        for (int64_t i = 0; i < line.length; i++) {
          Narrow(sums + i * kPanel<T>, out + i * out_row, tile.columns);
        }
      }
    }
  };

  // The segments in runs of about kTerms terms.
  static void RunTerms(Tile<T> tile, int64_t length) {
    const int64_t count = tile.num_segments;
    const int64_t run = Max(kTerms / Max(tile.steps, 1), 1);
    if (count <= run) {
      RunRows(tile, length);
      return;
    }
    for (int64_t s = 0; s < count; s += run) {
      tile.num_segments = Min(run, count - s);
      tile.accumulate = s > 0;
      RunRows(tile, length);
      tile.segments += run;
    }
  }
};

// False: out of scratch memory.
template <class S>
bool RunDirect(const Direct& d, const S* x, const S* w, S* y) {
  using T = Wide<S>;
  if (d.batch * d.pixels() == 0) return true;
  Scratch shared;
  T* packed = shared.Take<T>(PackedSize<T>(d));
  if (packed == nullptr) return false;
  PackKernel(d, w, packed);
  const bool plain = sizeof(S) == sizeof(T) && d.groups == 1;
  const bool over_images = plain && d.axis[2].count < kShortRow &&
                           d.batch > d.axis[2].count;
  // Without a tap there is nothing to read: the outputs are zero.
  const bool pads = d.taps() > 0 && !over_images && !d.axis[2].Inside();
  const bool cuts = pads && plain && CutsEnds(d);
  const bool copies = d.taps() > 0 && (!plain || (pads && !cuts));
  const DirectRun<S, T> run{d, x, packed, y, copies, over_images, cuts};
  const Blocks blocks = CutDirect<T>(d, over_images);
  const int64_t panels = CeilDiv(d.group_out, kPanel<T>);
  // Too few blocks: threads share them by their panels.
  const int64_t parts =
      Min(panels, CeilDiv(2 * ThreadCount(), blocks.count()));
  const int64_t units = blocks.count() * parts;
  const double cost =
      GemmCost(sizeof(T) == 8 ? DType::kFloat64 : DType::kFloat32,
               d.batch * d.pixels(), d.group_out, d.taps() * d.group_in) *
      static_cast<double>(d.groups);
  bool failed = false;
  ParallelFor(units, cost / static_cast<double>(units), 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    Segment* segments = scratch.Take<Segment>(Max(d.taps(), 1));
    T* copy = nullptr;
    T* sums = nullptr;
    const Block largest = blocks[0];
    if (run.copies) {
      copy = scratch.Take<T>(largest.images.size() * run.CopySize(largest));
    }
    if (sizeof(S) != sizeof(T)) {
      sums = scratch.Take<T>(Max(largest.columns.size(), largest.images.size()) *
                             kPanel<T>);
    }
    if (segments == nullptr || (run.copies && copy == nullptr) ||
        (sizeof(S) != sizeof(T) && sums == nullptr)) {
      __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
      const Block b = blocks[unit / parts];
      const int64_t part = unit % parts;
      const Range share = {panels * part / parts, panels * (part + 1) / parts};
      for (int64_t group = 0; group < d.groups; group++) {
        const InputView<T> view =
            run.copies ? run.Copy(b, group, copy) : run.InPlace(b);
        run.RunBlock(b, view, group, share, segments, sums);
      }
    }
  });
  return !failed;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
