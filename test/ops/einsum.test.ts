/** Tests of src/ops/einsum.ts and src/ops/einsum-parse.ts. */
import { describe, expect, test } from "vitest";
import { ops, tensor } from "../../src/index.ts";
import { parseEinsum } from "../../src/ops/einsum-parse.ts";
import { at, build, indicesOf, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

/** One loop over all labels, as subscripts without an ellipsis say. */
function naive(subscripts: string, operands: readonly Nd[]): Nd {
  const [left, output] = subscripts.split("->") as [string, string];
  const terms = left.split(",");
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    for (const [axis, label] of [...term].entries()) {
      const dim = operands[i]?.shape[axis] as number;
      sizes.set(label, Math.max(dim, sizes.get(label) ?? 1));
      if (dim === 0) sizes.set(label, 0);
    }
  }
  const summed = [...sizes.keys()].filter((label) => !output.includes(label));
  const lengths = (labels: readonly string[]) => labels.map((l) => sizes.get(l) as number);
  return build(lengths([...output]), (index) => {
    let total = 0;
    for (const inner of indicesOf(lengths(summed))) {
      const place = (label: string): number =>
        (output.includes(label)
          ? index[output.indexOf(label)]
          : inner[summed.indexOf(label)]) as number;
      let product = 1;
      for (const [i, term] of terms.entries())
        product *= at(operands[i] as Nd, [...term].map(place));
      total += product;
    }
    return total;
  });
}

const cases: readonly (readonly [string, readonly (readonly number[])[]])[] = [
  ["ij->ji", [[3, 5]]],
  ["ij->", [[3, 5]]],
  ["ii->i", [[4, 4]]],
  ["ii->", [[4, 4]]],
  ["iij->ji", [[3, 3, 2]]],
  [
    "ij,jk->ik",
    [
      [3, 5],
      [5, 2],
    ],
  ],
  [
    "ij,kj->ik",
    [
      [3, 5],
      [2, 5],
    ],
  ],
  [
    "ji,jk->ki",
    [
      [5, 3],
      [5, 2],
    ],
  ],
  [
    "bhqd,bhkd->bhqk",
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
    ],
  ],
  [
    "bqhd,bkhd->bhqk",
    [
      [2, 3, 2, 4],
      [2, 5, 2, 4],
    ],
  ],
  ["a,b->ab", [[3], [4]]],
  [
    "ai,bi->abi",
    [
      [3, 2],
      [4, 2],
    ],
  ],
  [
    "ij,ij->",
    [
      [3, 4],
      [3, 4],
    ],
  ],
  [
    "abc,cd,de->abe",
    [
      [2, 2, 3],
      [3, 2],
      [2, 3],
    ],
  ],
  [
    "ij,jk,kl->il",
    [
      [2, 9],
      [9, 3],
      [3, 4],
    ],
  ],
  ["i,ij,j->", [[3], [3, 4], [4]]],
  ["ijk,j->ik", [[2, 3, 4], [3]]],
  // Length 1 broadcasts, in either operand.
  [
    "ij,jk->ik",
    [
      [3, 1],
      [5, 2],
    ],
  ],
  [
    "bij,bjk->bik",
    [
      [1, 3, 5],
      [4, 5, 2],
    ],
  ],
  [
    "ij,jk->ik",
    [
      [2, 0],
      [0, 3],
    ],
  ],
];

for (const [subscripts, shapes] of cases) {
  opTest(`einsum ${subscripts} of ${shapes.map((s) => `[${s}]`).join(", ")}`, {
    run: (...operands) => ops.einsum(subscripts, ...operands),
    reference: (...operands) => naive(subscripts, operands),
    shapes: [shapes],
    dtypes: ["float32", "float64", "int32"],
    length: 16,
    unknownAxes: false,
  });
}

describe("subscripts", () => {
  test("an ellipsis aligns at the end and broadcasts", () => {
    const { inputs, output } = parseEinsum("...ij,...jk->...ik", [
      [7, 2, 3, 4],
      [2, 4, 5],
    ]);
    expect(inputs).toEqual([
      ["1", "0", "i", "j"],
      ["0", "j", "k"],
    ]);
    expect(output).toEqual(["1", "0", "i", "k"]);
  });

  test("without an output: the ellipsis, then letters that come once, in order", () => {
    expect(
      parseEinsum("b...,ca", [
        [2, 5],
        [3, 4],
      ]).output,
    ).toEqual(["0", "a", "b", "c"]);
    expect(
      parseEinsum("ij, jk", [
        [2, 3],
        [3, 4],
      ]).output,
    ).toEqual(["i", "k"]);
  });

  test.each([
    ["ij->->i", [[2, 2]], /more than once/],
    ["i1", [[2, 2]], /no letter/],
    ["ij,jk", [[2, 2]], /2 terms for 1 operands/],
    ["ij->ii", [[2, 2]], /label twice/],
    ["ij->k", [[2, 2]], /no operand has/],
    ["...i...", [[2, 2]], /one ellipsis/],
    ["ijk", [[2, 2]], /does not have the 2 axes/],
    [
      "ij,jk",
      [
        [2, 3],
        [4, 5],
      ],
      /"j" differ: 3 vs 4/,
    ],
  ] as const)("%s is refused", (subscripts, shapes, message) => {
    expect(() => parseEinsum(subscripts, shapes as never)).toThrow(message);
  });
});

test("int8 alone is summed in int32", () => {
  const x = tensor([[100, 100]], { dtype: "int8" });
  expect(ops.einsum("ij,kj->ik", x, x).dtype).toBe("int32");
});
