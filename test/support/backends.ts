/**
 * The devices that every op test runs on.
 *
 * @module
 */
import { currentBackend, setDevice } from "../../src/runtime/device.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { registerAsyncBackend } from "./async-backend.ts";
import "../../src/index.ts";

registerAsyncBackend();

/** A device under test. */
export interface TestBackend {
  readonly name: string;
  /** Makes it the current device. */
  use(): Promise<void>;
}

/** Devices under test; the first one has float64 and is the reference for gradients. */
export const backends: readonly TestBackend[] = ["cpu", "async"].map((name) => ({
  name,
  use: () => setDevice(name),
}));

/** Those of `dtypes` that the current device has. */
export function availableDTypes(dtypes: readonly DType[]): DType[] {
  const { dtypes: known } = currentBackend();
  return dtypes.filter((dtype) => known.has(dtype));
}
