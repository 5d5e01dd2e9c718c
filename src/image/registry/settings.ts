/**
 * @module
 * The administrator's registry settings. Plain data, since it is also sent to Workers.
 */
import type { RegistryLimits } from "./retry.ts";

/** Absolute paths of a registry's PEM files. */
export interface CertificateFiles {
  /** A CA certificate to trust in addition to the system's. */
  readonly ca?: string;
  /** A client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface RegistrySettings {
  /**
   * Hosts (`registry.lan`, `registry.lan:5000`) and networks (`10.0.0.0/8`, for registries that are referred to by
   * address) whose certificates aren't verified and that may use plain HTTP.
   */
  readonly insecureRegistries: readonly string[];
  /** Mirror origins (`https://mirror.lan:5000`), which are tried first, by the domain of references. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** By the host of references. */
  readonly certificates: Readonly<Record<string, CertificateFiles>>;
  /** Directories with a subdirectory per host, like Docker's `/etc/docker/certs.d`. */
  readonly certificateDirs: readonly string[];
  readonly limits: Partial<RegistryLimits>;
}

/** The settings of an engine without configuration. */
export const NO_SETTINGS: RegistrySettings = {
  insecureRegistries: [],
  mirrors: {},
  certificates: {},
  certificateDirs: [],
  limits: {},
};
