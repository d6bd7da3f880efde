/**
 * The devices that tests run on, one after the other.
 *
 * @module
 */
import { backends } from "./backends.ts";

/** Every device here: the CPU, and one that is asynchronous on purpose. */
export const devices: readonly string[] = backends.map(({ name }) => name);

/** Makes a device the current one. */
export async function useDevice(name: string): Promise<void> {
  await backends.find((backend) => backend.name === name)?.use();
}
