/**
 * Buffer planning: which values share memory.
 *
 * @module
 */

/** A buffer that is needed from step `first` to step `last`, both included. */
export interface Interval {
  readonly size: number;
  readonly first: number;
  readonly last: number;
  /** May take over the memory of this interval, which ends where this one begins. */
  readonly replaces?: Interval | undefined;
}

/** Where each buffer lies. */
export interface Layout {
  readonly offsets: ReadonlyMap<Interval, number>;
  readonly total: number;
}

interface Gap {
  offset: number;
  size: number;
}

/**
 * Offsets into one arena, so that intervals which overlap in time do not
 * overlap in memory: in order of their first step, each takes the smallest gap
 * that holds it.
 */
export function planOffsets(intervals: readonly Interval[]): Layout {
  const offsets = new Map<Interval, number>();
  const gaps: Gap[] = [];
  let total = 0;
  const byStart = [...intervals].sort((a, b) => a.first - b.first);
  const byEnd = [...intervals].sort((a, b) => a.last - b.last);
  const taken = new Set<Interval>();
  let ended = 0;
  for (const interval of byStart) {
    for (; ended < byEnd.length; ended++) {
      const old = byEnd[ended] as Interval;
      if (old.last >= interval.first) break;
      if (old.size > 0 && !taken.has(old)) free(gaps, offsets.get(old) as number, old.size);
    }
    if (interval.size === 0) {
      offsets.set(interval, 0);
      continue;
    }
    const { replaces } = interval;
    if (
      replaces !== undefined &&
      replaces.size === interval.size &&
      replaces.last === interval.first &&
      !taken.has(replaces)
    ) {
      taken.add(replaces);
      offsets.set(interval, offsets.get(replaces) as number);
      continue;
    }
    let best = -1;
    for (let i = 0; i < gaps.length; i++) {
      const { size } = gaps[i] as Gap;
      if (size >= interval.size && (best < 0 || size < (gaps[best] as Gap).size)) best = i;
    }
    if (best >= 0) {
      const gap = gaps[best] as Gap;
      offsets.set(interval, gap.offset);
      gap.offset += interval.size;
      gap.size -= interval.size;
      if (gap.size === 0) gaps.splice(best, 1);
      continue;
    }
    // Extend the arena, from the gap at its end if there is one.
    const last = gaps.at(-1);
    if (last !== undefined && last.offset + last.size === total) {
      offsets.set(interval, last.offset);
      total = last.offset + interval.size;
      gaps.pop();
    } else {
      offsets.set(interval, total);
      total += interval.size;
    }
  }
  return { offsets, total };
}

// Keeps the gaps sorted by offset and merged.
function free(gaps: Gap[], offset: number, size: number): void {
  let low = 0;
  let high = gaps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle] as Gap).offset < offset) low = middle + 1;
    else high = middle;
  }
  const before = gaps[low - 1];
  const after = gaps[low];
  const joinsBefore = before !== undefined && before.offset + before.size === offset;
  const joinsAfter = after !== undefined && offset + size === after.offset;
  if (joinsBefore && joinsAfter) {
    before.size += size + after.size;
    gaps.splice(low, 1);
  } else if (joinsBefore) {
    before.size += size;
  } else if (joinsAfter) {
    after.offset = offset;
    after.size += size;
  } else {
    gaps.splice(low, 0, { offset, size });
  }
}

/**
 * Slots of whole buffers, for backends that cannot bind parts of one: each
 * interval takes a free slot of at least its size, the smallest, or opens one.
 */
export function planSlots(intervals: readonly Interval[]): {
  readonly slots: ReadonlyMap<Interval, number>;
  readonly sizes: readonly number[];
} {
  const slots = new Map<Interval, number>();
  const sizes: number[] = [];
  const freeSlots = new Set<number>();
  const byStart = [...intervals].sort((a, b) => a.first - b.first);
  const byEnd = [...intervals].sort((a, b) => a.last - b.last);
  let ended = 0;
  for (const interval of byStart) {
    for (; ended < byEnd.length; ended++) {
      const old = byEnd[ended] as Interval;
      if (old.last >= interval.first) break;
      freeSlots.add(slots.get(old) as number);
    }
    let best = -1;
    for (const slot of freeSlots) {
      const size = sizes[slot] as number;
      // A slot of twice the size is better kept for something larger.
      if (size < interval.size || size > 2 * interval.size) continue;
      if (best < 0 || size < (sizes[best] as number)) best = slot;
    }
    if (best >= 0) {
      freeSlots.delete(best);
      slots.set(interval, best);
    } else {
      slots.set(interval, sizes.length);
      sizes.push(interval.size);
    }
  }
  return { slots, sizes };
}
