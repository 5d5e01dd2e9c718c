/**
 * @module
 * Registries for tests: Debian's on a free port, and a scripted one in this process that misbehaves on request.
 */
export type { BasicAuth, BearerAuth, RegistryAuth } from "./auth.ts";
export { type Certificate, selfSignedCertificate } from "./certificate.ts";
export type { ConnectionFault, ContentFault, Fault, FaultMatch, HeadFault } from "./faults.ts";
export { freePort, REAL_ACCOUNT, type RealRegistry, type RealRegistryOptions, startRealRegistry } from "./real.ts";
export {
  type RecordedRequest,
  ScriptedRegistry,
  type ScriptedRegistryOptions,
  startScriptedRegistry,
} from "./scripted.ts";
