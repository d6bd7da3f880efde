/**
 * Which backend computes.
 *
 * @module
 */
import { DeviceError } from "../util/errors.ts";
import type { Backend, BackendMemory } from "./backend.ts";
import { bumpTraceEpoch } from "./epoch.ts";

const factories = new Map<string, () => Backend>();
const opened = new Map<string, Backend>();
let current: Backend | null = null;
let why = "";

/**
 * Makes a backend known under a name. The first registered one is the
 * default. Only package entries and tests call this.
 */
export function registerBackend(name: string, factory: () => Backend): void {
  factories.set(name, factory);
}

function backendNamed(name: string): Backend {
  let backend = opened.get(name);
  if (backend === undefined) {
    const factory = factories.get(name);
    if (factory === undefined) {
      throw new DeviceError(
        `No such device: "${name}". Here there are: ${[...factories.keys()].join(", ") || "none"}.`,
      );
    }
    backend = factory();
    opened.set(name, backend);
  }
  return backend;
}

/**
 * Makes a device the current one: what is created from now on lies there.
 *
 * Opening may be asynchronous: await the promise before the first op. Tensors
 * and variables of another device stay where they are.
 *
 * @throws {DeviceError} If there is no such device or it cannot be opened.
 * @example
 * await setDevice("cpu");
 */
export function setDevice(name: string): Promise<void> {
  try {
    const backend = backendNamed(name);
    const opening = backend.isOpen ? undefined : backend.open();
    const use = (): void => {
      if (current !== backend) bumpTraceEpoch();
      current = backend;
      why = "set by setDevice";
    };
    if (opening === undefined) {
      use();
      return Promise.resolve();
    }
    return opening.then(use);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The current backend, opened. */
export function currentBackend(): Backend {
  if (current !== null) return current;
  const name = factories.keys().next().value;
  if (name === undefined) {
    throw new DeviceError("No device: import keratin from its package entry, which brings them.");
  }
  const backend = backendNamed(name);
  if (!backend.isOpen && backend.open() !== undefined) {
    throw new DeviceError(
      `The device "${name}" opens asynchronously: await setDevice("${name}") before the first op.`,
    );
  }
  current = backend;
  why = "the default";
  return backend;
}

/** The current device and why it is the current one. */
export interface DeviceDescription {
  readonly name: string;
  readonly why: string;
  /** Devices that this entry of the package brings. */
  readonly available: readonly string[];
}

/**
 * Which device computes, and why.
 *
 * @example
 * device().name; // "cpu"
 */
export function device(): DeviceDescription {
  const { name } = currentBackend();
  return { name, why, available: [...factories.keys()] };
}

/**
 * Live, cached and peak bytes of the current device, and its live buffers.
 *
 * @example
 * memory().bytes >= 0; // true
 */
export function memory(): BackendMemory {
  return currentBackend().memory();
}

/** Closes every open backend. For programs that end, and tests. */
export async function closeDevices(): Promise<void> {
  for (const backend of opened.values()) await backend.close();
  opened.clear();
  current = null;
  bumpTraceEpoch();
}
