/**
 * The devices that tests run on.
 *
 * @module
 */
import { setDevice } from "../../src/index.ts";
import { registerAsyncBackend } from "./async-backend.ts";

/** Every device here: the CPU, and one that is asynchronous on purpose. */
export const devices = ["cpu", "async"] as const;

/** Makes a device the current one. */
export async function useDevice(name: (typeof devices)[number]): Promise<void> {
  if (name === "async") registerAsyncBackend();
  await setDevice(name);
}
