/**
 * MT19937 as CPython's `random` uses it, so that a seed gives the numbers it
 * gives in Python.
 *
 * Source: Matsumoto and Nishimura 1998; CPython, Modules/_randommodule.c.
 *
 * @module
 */

const size = 624;
const shift = 397;

/** Python's `random.Random(seed)` for integers. */
export class MersenneTwister {
  readonly #state = new Uint32Array(size);
  #next = size;

  constructor(seed: number) {
    const key: number[] = [];
    for (let rest = BigInt(Math.abs(seed)); rest > 0n; rest >>= 32n) {
      key.push(Number(rest & 0xffffffffn));
    }
    this.#seedByKey(key.length === 0 ? [0] : key);
  }

  #seedByKey(key: readonly number[]): void {
    const s = this.#state;
    s[0] = 19650218;
    for (let i = 1; i < size; i++) {
      const last = s[i - 1] as number;
      s[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
    let i = 1;
    let j = 0;
    const advance = (): void => {
      i++;
      if (i >= size) {
        s[0] = s[size - 1] as number;
        i = 1;
      }
    };
    for (let k = Math.max(size, key.length); k > 0; k--) {
      const last = s[i - 1] as number;
      const mixed = (s[i] as number) ^ Math.imul(last ^ (last >>> 30), 1664525);
      s[i] = mixed + (key[j] as number) + j;
      advance();
      j = (j + 1) % key.length;
    }
    for (let k = size - 1; k > 0; k--) {
      const last = s[i - 1] as number;
      s[i] = ((s[i] as number) ^ Math.imul(last ^ (last >>> 30), 1566083941)) - i;
      advance();
    }
    s[0] = 0x80000000;
  }

  /** 32 random bits. */
  nextUint32(): number {
    const s = this.#state;
    if (this.#next >= size) {
      for (let k = 0; k < size; k++) {
        const y = ((s[k] as number) & 0x80000000) | ((s[(k + 1) % size] as number) & 0x7fffffff);
        s[k] = (s[(k + shift) % size] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.#next = 0;
    }
    let y = s[this.#next++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** `random.randint(low, high)`: both ends included, at most 2^32 apart. */
  randint(low: number, high: number): number {
    const count = high - low + 1;
    const bits = 32 - Math.clz32(count);
    let value: number;
    do {
      value = this.nextUint32() >>> (32 - bits);
    } while (value >= count);
    return low + value;
  }
}
