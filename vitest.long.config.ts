import { defineConfig } from "vitest/config";

// What takes minutes: `npm run test:long`, which CI runs too.
export default defineConfig({
  test: { include: ["test/**/*.long.test.ts"], pool: "forks", maxWorkers: 1 },
});
