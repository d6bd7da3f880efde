// take, take_along_axis and their transposes, with indices that are negative,
// repeated and out of range.
#include "indices.h"
#include "kernels.h"

namespace keratin::test {
namespace {

struct Axis {
  int64_t outer = 1, length = 1, inner = 1;
};

Axis AxisOf(const Shape& shape, int axis) {
  Axis a;
  for (int i = 0; i < static_cast<int>(shape.size()); i++) {
    (i < axis ? a.outer : i > axis ? a.inner : a.length) *= shape[i];
  }
  return a;
}

struct Case {
  Shape x;
  int axis;
  Shape indices;
};

const Case kTakes[] = {
    {{7}, 0, {5}},          {{4, 3}, 0, {2, 3}},   {{4, 3}, 1, {9}},
    {{2, 5, 67}, 1, {4}},   {{2, 5, 3}, 2, {70}},  {{3, 1, 4}, 1, {2, 2}},
    {{6, 1100}, 0, {11}},   {{3, 40}, 1, {}},      {{0, 3}, 0, {4}},
    {{3, 0}, 1, {4}},       {{3, 0}, 0, {4}},      {{4, 3}, 0, {0}},
    {{300, 33}, 0, {500}},
};

TEST(gather_take) {
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : kEveryType) {
      for (const Case& c : kTakes) {
        const Axis a = AxisOf(c.x, c.axis);
        const Array x = std::move(Array(dtype, c.x).Fill(41));
        const Array indices = HostileIndices(index, c.indices, a.length, 42);
        Shape shape(c.x.begin(), c.x.begin() + c.axis);
        shape.insert(shape.end(), c.indices.begin(), c.indices.end());
        shape.insert(shape.end(), c.x.begin() + c.axis + 1, c.x.end());
        Array expected(dtype, shape);
        for (int64_t i = 0; i < expected.size(); i++) {
          const int64_t o = i / a.inner / indices.size();
          const int64_t row = Resolved(indices.Integer(i / a.inner % indices.size()), a.length);
          if (row < 0) {
            SetMissing(&expected, i);
          } else {
            expected.CopyElement(i, x, (o * a.length + row) * a.inner + i % a.inner);
          }
        }
        ForEachIsaAndThreads("take", {&x, &indices}, dtype, shape, Words().Int(c.axis),
                             [&](Isa isa, const Array& out) { CheckSame("take", isa, out, expected); });
      }
    }
  }
}

// x, then indices of its axes but one.
const Case kAlong[] = {
    {{7}, 0, {5}},       {{4, 3}, 0, {6, 3}},        {{4, 3}, 1, {4, 1}},
    {{2, 5, 9}, 1, {2, 4, 9}}, {{0, 3}, 0, {2, 3}},  {{3, 0}, 1, {3, 2}},
    {{3, 4}, 1, {3, 0}}, {{40, 30, 2}, 1, {40, 50, 2}},
};

TEST(gather_take_along_axis) {
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : kEveryType) {
      for (const Case& c : kAlong) {
        const Axis a = AxisOf(c.x, c.axis);
        const int64_t count = c.indices[c.axis];
        const Array x = std::move(Array(dtype, c.x).Fill(43));
        const Array indices = HostileIndices(index, c.indices, a.length, 44);
        Array expected(dtype, c.indices);
        for (int64_t i = 0; i < expected.size(); i++) {
          const int64_t row = Resolved(indices.Integer(i), a.length);
          if (row < 0) {
            SetMissing(&expected, i);
          } else {
            const int64_t o = i / (count * a.inner);
            expected.CopyElement(i, x, (o * a.length + row) * a.inner + i % a.inner);
          }
        }
        ForEachIsaAndThreads("take_along_axis", {&x, &indices}, dtype, c.indices,
                             Words().Int(c.axis),
                             [&](Isa isa, const Array& out) { CheckSame("take_along_axis", isa, out, expected); });
      }
    }
  }
}

// Sums of integers wrap and are exact; of floats, n terms in order.
void CheckSums(const char* name, const Array& indices, const Array& dy,
               const Shape& shape, int axis, const std::vector<int64_t>& targets) {
  const DType dtype = dy.dtype();
  const bool is_float = Mask(dtype) & kFloats;
  std::vector<double> sums(static_cast<size_t>(SizeOf(shape))), sizes(sums.size());
  Array wrapped(dtype, shape);
  for (int64_t i = 0; i < wrapped.size(); i++) wrapped.Set(i, 0);
  for (size_t i = 0; i < targets.size(); i++) {
    const int64_t to = targets[i];
    if (to < 0) continue;
    const int64_t from = static_cast<int64_t>(i);
    sums[to] += dy[from];
    sizes[to] += std::fabs(dy[from]);
    if (!is_float) {
      wrapped.SetInteger(to, static_cast<int64_t>(
                                 static_cast<uint64_t>(wrapped.Integer(to)) +
                                 static_cast<uint64_t>(dy.Integer(from))));
    }
  }
  const double eps = Epsilon(dtype);
  const double inside = ItemSize(dtype) == 2 ? Epsilon(DType::kFloat32) : eps;
  ForEachIsaAndThreads(
      name, {&indices, &dy}, dtype, shape,
      Words().Int(axis).Int(static_cast<int32_t>(shape[axis])),
      [&](Isa isa, const Array& out) {
        if (!is_float) {
          CheckSame(name, isa, out, wrapped);
          return;
        }
        CheckNear(name, isa, out, sums, [&](int64_t i) {
          return eps * std::fabs(sums[i]) +
                 inside * static_cast<double>(indices.size()) * sizes[i] + 1e-7 * eps;
        });
      });
}

constexpr DType kNumberTypes[] = {
    DType::kUInt8,  DType::kInt8,    DType::kUInt16,   DType::kInt16,
    DType::kUInt32, DType::kInt32,   DType::kUInt64,   DType::kInt64,
    DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64};

TEST(gather_take_backward) {
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : kNumberTypes) {
      for (const Case& c : kTakes) {
        const Axis a = AxisOf(c.x, c.axis);
        const Array indices = HostileIndices(index, c.indices, a.length, 45);
        Shape shape(c.x.begin(), c.x.begin() + c.axis);
        shape.insert(shape.end(), c.indices.begin(), c.indices.end());
        shape.insert(shape.end(), c.x.begin() + c.axis + 1, c.x.end());
        const Array dy = std::move(Array(dtype, shape).Fill(46));
        std::vector<int64_t> targets;
        for (int64_t i = 0; i < dy.size(); i++) {
          const int64_t o = i / a.inner / indices.size();
          const int64_t row = Resolved(indices.Integer(i / a.inner % indices.size()), a.length);
          targets.push_back(row < 0 ? -1 : (o * a.length + row) * a.inner + i % a.inner);
        }
        CheckSums("take_backward", indices, dy, c.x, c.axis, targets);
      }
    }
  }
}

TEST(gather_take_along_axis_backward) {
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : kNumberTypes) {
      for (const Case& c : kAlong) {
        const Axis a = AxisOf(c.x, c.axis);
        const Array indices = HostileIndices(index, c.indices, a.length, 47);
        const Array dy = std::move(Array(dtype, c.indices).Fill(48));
        std::vector<int64_t> targets;
        for (int64_t i = 0; i < dy.size(); i++) {
          const int64_t row = Resolved(indices.Integer(i), a.length);
          const int64_t o = i / (c.indices[c.axis] * a.inner);
          targets.push_back(row < 0 ? -1 : (o * a.length + row) * a.inner + i % a.inner);
        }
        CheckSums("take_along_axis_backward", indices, dy, c.x, c.axis, targets);
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
