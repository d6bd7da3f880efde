/**
 * Buffer planning on random intervals.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { type Interval, planOffsets, planSlots } from "../../src/jit/memory.ts";
import { Random } from "../support/random.ts";

function randomIntervals(seed: number): Interval[] {
  const random = new Random(seed);
  const count = 1 + Math.floor(random.next() * 60);
  const intervals: Interval[] = [];
  for (let i = 0; i < count; i++) {
    const first = Math.floor(random.next() * 40);
    const last = first + Math.floor(random.next() * 12);
    const size = random.next() < 0.1 ? 0 : 1 + Math.floor(random.next() * 30);
    const ending = intervals.filter(
      (other) => other.first < first && other.last === first && other.size === size,
    );
    const replaces = random.next() < 0.5 ? ending[0] : undefined;
    intervals.push({ size, first, last, replaces });
  }
  return intervals;
}

function overlapInTime(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The largest sum of sizes live at one step. */
function peak(intervals: readonly Interval[]): number {
  const last = Math.max(...intervals.map((interval) => interval.last));
  let most = 0;
  for (let step = 0; step <= last; step++) {
    let live = 0;
    for (const { first, last: end, size } of intervals)
      if (first <= step && step <= end) live += size;
    most = Math.max(most, live);
  }
  return most;
}

describe("planOffsets", () => {
  it("never lets two buffers that are needed at once overlap", () => {
    for (let seed = 0; seed < 300; seed++) {
      const intervals = randomIntervals(seed);
      const { offsets, total } = planOffsets(intervals);
      const taken = new Set<Interval>();
      for (const a of intervals) {
        const start = offsets.get(a) as number;
        expect(start + a.size, `seed ${seed}`).toBeLessThanOrEqual(total);
        for (const b of intervals) {
          if (a === b || a.size === 0 || b.size === 0 || !overlapInTime(a, b)) continue;
          const other = offsets.get(b) as number;
          if (start + a.size <= other || other + b.size <= start) continue;
          // Only the buffer that takes over a dying one of its size may lie there.
          const successor = a.first >= b.first ? a : b;
          const dying = successor === a ? b : a;
          expect(successor.replaces, `seed ${seed}`).toBe(dying);
          expect(dying.last, `seed ${seed}`).toBe(successor.first);
          expect(start, `seed ${seed}`).toBe(other);
          if (a === successor) {
            expect(taken.has(dying), `seed ${seed}: taken over twice`).toBe(false);
            taken.add(dying);
          }
        }
      }
    }
  });

  it("needs little more than what lives at once", () => {
    for (let seed = 0; seed < 100; seed++) {
      const intervals = randomIntervals(seed);
      expect(planOffsets(intervals).total, `seed ${seed}`).toBeLessThanOrEqual(
        1.3 * Math.max(1, peak(intervals)),
      );
    }
  });

  it("reuses memory of a chain", () => {
    const chain: Interval[] = [];
    for (let i = 0; i < 100; i++) chain.push({ size: 10, first: i, last: i + 1 });
    expect(planOffsets(chain).total).toBe(20);
  });
});

describe("planSlots", () => {
  it("gives no slot to two buffers at once, and each has room", () => {
    for (let seed = 0; seed < 300; seed++) {
      const intervals = randomIntervals(seed);
      const { slots, sizes } = planSlots(intervals);
      for (const a of intervals) {
        const slot = slots.get(a) as number;
        expect(sizes[slot], `seed ${seed}`).toBeGreaterThanOrEqual(a.size);
        for (const b of intervals) {
          if (a !== b && overlapInTime(a, b)) expect(slots.get(b), `seed ${seed}`).not.toBe(slot);
        }
      }
    }
  });
});
