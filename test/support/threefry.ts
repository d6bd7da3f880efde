/**
 * Threefry-2x32 with 20 rounds, after Salmon et al. 2011 (Parallel random
 * numbers: as easy as 1, 2, 3), in plain integers.
 *
 * @module
 */

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

function rotate(x: number, bits: number): number {
  return ((x << bits) | (x >>> (32 - bits))) >>> 0;
}

/** The two words that a key makes of a counter. */
export function threefry(
  key: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const keys = [key[0], key[1], (key[0] ^ key[1] ^ 0x1bd11bda) >>> 0] as const;
  let [a, b] = [(counter[0] + keys[0]) >>> 0, (counter[1] + keys[1]) >>> 0];
  for (let round = 0; round < 5; round++) {
    for (const bits of rotations[(round % 2) as 0 | 1]) {
      a = (a + b) >>> 0;
      b = (rotate(b, bits) ^ a) >>> 0;
    }
    a = (a + (keys[((round + 1) % 3) as 0 | 1 | 2] as number)) >>> 0;
    b = (b + (keys[((round + 2) % 3) as 0 | 1 | 2] as number) + round + 1) >>> 0;
  }
  return [a, b];
}
