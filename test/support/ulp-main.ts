/**
 * `npm run ulp -- [step] [name…]`: errors of float32 functions over every
 * step-th bit pattern (default: all). KERATIN_ISA picks the kernels.
 *
 * @module
 */
import { sweep, ulpCases } from "./ulp.ts";

const [given = "1", ...names] = process.argv.slice(2);
const step = Number(given);
let failed = 0;
for (const entry of ulpCases) {
  if (names.length > 0 && !names.includes(entry.name)) continue;
  const { ulps, x, got, expected, wrong } = await sweep(entry, step);
  const fails = wrong !== null || !(ulps <= entry.bound);
  if (fails) failed++;
  console.log(
    `${fails ? "FAIL" : "ok  "} ${entry.name.padEnd(8)} ${ulps.toFixed(3)} of ${entry.bound}, ` +
      `f(${x}) is ${got}, exactly ${expected}${wrong === null ? "" : `; ${wrong}`}`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
