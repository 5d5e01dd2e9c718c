/**
 * @module
 * Pulling from registries: the OCI distribution-spec v1.1 over `fetch`, with Docker's token protocol. It refuses: to send
 * credentials to another host, to leave HTTPS for plain HTTP, to be sent to link-local addresses, to wait without bounds,
 * to give out a manifest or config whose digest or size is wrong. It keeps nothing on disk and pushes nothing.
 */
export { ANONYMOUS, type Credential, type Credentials } from "./auth.ts";
export {
  type BlobStream,
  RegistryClient,
  type RegistryOptions,
  type ResolvedImage,
  type ResolvedLayer,
} from "./client.ts";
export { parseNetwork } from "./insecure_hosts.ts";
export { type CertificateFiles, NO_SETTINGS, type RegistrySettings } from "./settings.ts";
export type { Asker } from "./transport.ts";
export { DEFAULT_LIMITS, type RegistryLimits } from "./retry.ts";
