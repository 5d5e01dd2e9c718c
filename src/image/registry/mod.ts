/**
 * @module
 * A pull client for registries: the OCI distribution-spec v1.1 over `fetch`, with Docker's token protocol. It never
 * sends credentials to another host, downgrades from HTTPS to plain HTTP, follows redirects to link-local addresses,
 * waits without a limit, or returns a manifest or config with a wrong digest or size. It stores nothing on disk and
 * doesn't push.
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
export type { PullOptions as Asker } from "./transport.ts";
export { DEFAULT_LIMITS, type RegistryLimits } from "./retry.ts";
