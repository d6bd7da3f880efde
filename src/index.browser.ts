/**
 * Keratin for browsers and other places without native code.
 *
 * Models can be built, described, serialized and read here; computing needs a
 * device, and the native CPU backend is not among those a browser can load.
 *
 * @packageDocumentation
 */
import { registerBuiltIns } from "./keras/namespaces.ts";
import "./ops/methods.ts";

registerBuiltIns();

export * from "./api.ts";
