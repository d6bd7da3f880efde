/**
 * Keratin for Node: Keras 3 over native CPU kernels.
 *
 * @packageDocumentation
 */
import { NativeBackend } from "./backends/native/backend.ts";
import { registerBuiltIns } from "./keras/namespaces.ts";
import "./ops/methods.ts";
import { nodePlatform } from "./platform/node.ts";
import { registerPlatform } from "./platform/platform.ts";
import { registerBackend } from "./runtime/device.ts";

registerBackend("cpu", () => new NativeBackend());
registerPlatform(nodePlatform);
registerBuiltIns();

export * from "./api.ts";
