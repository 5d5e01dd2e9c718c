/**
 * @module
 * Versions of the Engine API (docs.docker.com, "Engine API"): `major.minor`, compared numerically.
 */
import { TsdError } from "../../errors.ts";

export type ApiVersion = `${number}.${number}`;

/** The newest supported version, and the default for paths without one. */
export const MAX_API_VERSION: ApiVersion = "1.50";
/** The oldest accepted version; 1.41 and later are tested. */
export const MIN_API_VERSION: ApiVersion = "1.24";

/** Whether `version` is `than` or newer. */
export function atLeast(version: ApiVersion, than: ApiVersion): boolean {
  return order(version) >= order(than);
}

/**
 * Splits `/v1.41/containers/json` into version and path.
 * @throws {TsdError} invalid_argument, with Docker's messages
 */
export function splitVersion(path: string): { version: ApiVersion; path: string } {
  const match = /^\/v(\d{1,3}\.\d{1,3})(\/.*)$/.exec(path);
  if (match === null) return { version: MAX_API_VERSION, path };
  const version = match[1] as ApiVersion;
  if (!atLeast(MAX_API_VERSION, version)) {
    throw new TsdError(
      "invalid_argument",
      `client version ${version} is too new. Maximum supported API version is ${MAX_API_VERSION}`,
    );
  }
  if (!atLeast(version, MIN_API_VERSION)) {
    throw new TsdError(
      "invalid_argument",
      `client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, ` +
        "please upgrade your client to a newer version",
    );
  }
  return { version, path: match[2] };
}

function order(version: ApiVersion): number {
  const [major, minor] = version.split(".").map(Number);
  return major * 1000 + minor;
}
