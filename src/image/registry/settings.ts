/**
 * @module
 * What the machine's owner says about registries. Plain data: it also goes to Workers.
 */
import type { RegistryLimits } from "./retry.ts";

/** PEM files of one registry; absolute paths. */
export interface CertificateFiles {
  /** An authority to be trusted beside those of the system. */
  readonly ca?: string;
  /** A client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface RegistrySettings {
  /**
   * Hosts (`registry.lan`, `registry.lan:5000`) and networks (`10.0.0.0/8`, for registries that are named by address) that
   * may have any certificate, or speak plain HTTP.
   */
  readonly insecureRegistries: readonly string[];
  /** Origins (`https://mirror.lan:5000`) to be asked first, by domain as in references. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** By host, as in references. */
  readonly certificates: Readonly<Record<string, CertificateFiles>>;
  /** Folders with a folder for each host, as Docker's `/etc/docker/certs.d`. */
  readonly certificateDirs: readonly string[];
  readonly limits: Partial<RegistryLimits>;
}

/** Nothing was said. */
export const NO_SETTINGS: RegistrySettings = {
  insecureRegistries: [],
  mirrors: {},
  certificates: {},
  certificateDirs: [],
  limits: {},
};
