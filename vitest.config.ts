import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/*.long.test.ts"],
    // Files run in processes of their own: devices, pools and settings are global.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    execArgv: ["--expose-gc"],
  },
});

export default config;
