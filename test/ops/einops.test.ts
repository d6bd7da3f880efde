/** Tests of src/ops/einops.ts. */
import { describe, expect, test } from "vitest";
import { ArgumentError, ops, ShapeError } from "../../src/index.ts";
import { at, build } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

opTest("rearrange, reordered", {
  run: (x) => ops.rearrange(x, "b h w -> w b h"),
  reference: (x) => {
    const [b, h, w] = x.shape as [number, number, number];
    return build([w, b, h], ([k, i, j]) => at(x, [i, j, k] as number[]));
  },
  shapes: [
    [2, 3, 4],
    [0, 3, 1],
  ],
  dtypes: ["float32", "int32"],
  unknownAxes: false,
});
opTest("rearrange, patches", {
  run: (x) => ops.rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", { p: 2, q: 3 }),
  reference: (x) => {
    const [b, height, width, c] = x.shape as [number, number, number, number];
    const [h, w] = [height / 2, width / 3];
    return build([b, h * w, 6 * c], ([i, n, k]) => {
      const [y, z] = [Math.floor((n as number) / w), (n as number) % w];
      const channel = (k as number) % c;
      const pixel = Math.floor((k as number) / c);
      return at(x, [i as number, 2 * y + Math.floor(pixel / 3), 3 * z + (pixel % 3), channel]);
    });
  },
  shapes: [[2, 4, 6, 3]],
  unknownAxes: false,
});

const x = [
  [
    [0, 1, 2],
    [3, 4, 5],
  ],
];
const shapesOf: readonly [pattern: string, lengths: Record<string, number>, shape: number[]][] = [
  ["a b c -> (a b c)", {}, [6]],
  ["a b c -> a b c", {}, [1, 2, 3]],
  ["... c -> c ...", {}, [3, 1, 2]],
  ["a ... -> ... a", {}, [2, 3, 1]],
  ["... c -> (...) c", {}, [2, 3]],
  ["1 b c -> c 1 b", {}, [3, 1, 2]],
  ["a b c -> a 1 (b c)", {}, [1, 1, 6]],
  ["1 b (c d) -> b d c", { d: 3 }, [2, 3, 1]],
  ["a_1 b c->c b a_1", {}, [3, 2, 1]],
];
for (const [pattern, lengths, shape] of shapesOf) {
  test(`rearrange ${pattern}`, () => {
    expect(ops.rearrange(x, pattern, lengths).shape).toEqual(shape);
  });
}

test("axes of length 1 may be dropped and added anywhere", async () => {
  expect(await ops.rearrange(x, "1 b c -> c b").array()).toEqual([
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
});

describe("what is no pattern, or does not fit", () => {
  const refused: Record<string, [() => unknown, new (...args: never[]) => Error]> = {
    "no arrow": [() => ops.rearrange(x, "a b c"), ArgumentError],
    "two arrows": [() => ops.rearrange(x, "a -> b -> c"), ArgumentError],
    "an axis lost": [() => ops.rearrange(x, "a b c -> a b"), ArgumentError],
    "an axis twice": [() => ops.rearrange(x, "a b b -> a b"), ArgumentError],
    "no name": [() => ops.rearrange(x, "a b 2 -> a b 2"), ArgumentError],
    "parentheses within parentheses": [
      () => ops.rearrange(x, "a (b (c d)) -> a b c d"),
      ArgumentError,
    ],
    "a parenthesis open": [() => ops.rearrange(x, "a (b c -> a b c"), ArgumentError],
    "a parenthesis closed": [() => ops.rearrange(x, "a b) c -> a b c"), ArgumentError],
    "dots in parentheses on the left": [
      () => ops.rearrange(x, "a (...) -> a (...)"),
      ArgumentError,
    ],
    "a length of nothing": [() => ops.rearrange(x, "a b c -> c b a", { d: 2 }), ArgumentError],
    "two lengths unknown": [() => ops.rearrange(x, "a b (c d) -> a b c d"), ArgumentError],
    "a length that does not divide": [
      () => ops.rearrange(x, "a b (c d) -> a b c d", { c: 2 }),
      ShapeError,
    ],
    "too few axes": [() => ops.rearrange(x, "a b -> b a"), ShapeError],
    "an axis that is not of length 1": [() => ops.rearrange(x, "a 1 c -> a c"), ShapeError],
  };
  for (const [name, [fn, Class]] of Object.entries(refused)) {
    test(name, () => {
      expect(fn).toThrow(Class);
      expect(fn).toThrow(/rearrange/);
    });
  }
});
