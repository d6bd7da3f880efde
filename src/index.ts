/**
 * Keratin for Node: Keras 3 over native CPU kernels.
 *
 * @packageDocumentation
 */
import { NativeBackend } from "./backends/native/backend.ts";
import { registerBuiltIns } from "./keras/namespaces.ts";
import { registerBackend } from "./runtime/device.ts";

registerBackend("cpu", () => new NativeBackend());
registerBuiltIns();

export * from "./api.ts";
