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

/** Buffers that lie in one place one after the other. */
interface Block {
  readonly size: number;
  readonly first: number;
  last: number;
  readonly intervals: Interval[];
  offset: number;
}

/** How much more than what is live at once may be reserved without a second try. */
const slack = 1.05;
/** Blocks beyond which a second try takes too long: it looks at all pairs. */
const mostBlocks = 2000;

/**
 * Offsets into one arena, so that intervals which overlap in time do not
 * overlap in memory: in order of their first step, each in the smallest gap that
 * holds it; where that leaves too many gaps, in order of their size.
 */
export function planOffsets(intervals: readonly Interval[]): Layout {
  const blocks = blocksOf(intervals);
  let total = placeByStart(blocks);
  if (total > slack * mostLive(blocks) && blocks.length <= mostBlocks) {
    const offsets = blocks.map(({ offset }) => offset);
    const other = placeBySize(blocks);
    if (other < total) total = other;
    else for (const [i, block] of blocks.entries()) block.offset = offsets[i] as number;
  }
  const offsets = new Map<Interval, number>(intervals.map((interval) => [interval, 0]));
  for (const block of blocks) {
    for (const interval of block.intervals) offsets.set(interval, block.offset);
  }
  return { offsets, total };
}

/** Intervals that take over each other's memory as one, in order of their first step. */
function blocksOf(intervals: readonly Interval[]): Block[] {
  const blocks: Block[] = [];
  const blockOf = new Map<Interval, Block>();
  for (const interval of [...intervals].sort((a, b) => a.first - b.first)) {
    const { size, first, last, replaces } = interval;
    if (size === 0) continue;
    const before = replaces === undefined ? undefined : blockOf.get(replaces);
    const isSuccessor =
      before !== undefined &&
      before.size === size &&
      before.last === first &&
      before.intervals.at(-1) === replaces;
    const block = isSuccessor ? before : { size, first, last, intervals: [], offset: 0 };
    if (!isSuccessor) blocks.push(block);
    block.last = last;
    block.intervals.push(interval);
    blockOf.set(interval, block);
  }
  return blocks;
}

/** The largest sum of sizes at one step. */
function mostLive(blocks: readonly Block[]): number {
  const changes = new Map<number, number>();
  const change = (step: number, by: number): void => {
    changes.set(step, (changes.get(step) ?? 0) + by);
  };
  for (const { size, first, last } of blocks) {
    change(first, size);
    change(last + 1, -size);
  }
  let live = 0;
  let most = 0;
  for (const [, by] of [...changes].sort(([a], [b]) => a - b)) {
    live += by;
    most = Math.max(most, live);
  }
  return most;
}

function placeByStart(blocks: readonly Block[]): number {
  const gaps: Gap[] = [];
  const byEnd = [...blocks].sort((a, b) => a.last - b.last);
  let total = 0;
  let ended = 0;
  for (const block of blocks) {
    for (; ended < byEnd.length; ended++) {
      const old = byEnd[ended] as Block;
      if (old.last >= block.first) break;
      free(gaps, old.offset, old.size);
    }
    let best = -1;
    for (let i = 0; i < gaps.length; i++) {
      const { size } = gaps[i] as Gap;
      if (size >= block.size && (best < 0 || size < (gaps[best] as Gap).size)) best = i;
    }
    if (best >= 0) {
      const gap = gaps[best] as Gap;
      block.offset = gap.offset;
      gap.offset += block.size;
      gap.size -= block.size;
      if (gap.size === 0) gaps.splice(best, 1);
      continue;
    }
    // Extend the arena, from the gap at its end if there is one.
    const last = gaps.at(-1);
    if (last !== undefined && last.offset + last.size === total) {
      block.offset = last.offset;
      gaps.pop();
    } else block.offset = total;
    total = block.offset + block.size;
  }
  return total;
}

/** Large ones first, each as low as those in its time allow. */
function placeBySize(blocks: readonly Block[]): number {
  const placed: Block[] = [];
  let total = 0;
  for (const block of [...blocks].sort((a, b) => b.size - a.size || a.first - b.first)) {
    let offset = 0;
    for (const other of placed) {
      if (other.last < block.first || block.last < other.first) continue;
      if (other.offset >= offset + block.size) break;
      offset = Math.max(offset, other.offset + other.size);
    }
    block.offset = offset;
    total = Math.max(total, offset + block.size);
    const at = placed.findIndex((other) => other.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, block);
  }
  return total;
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
