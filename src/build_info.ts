/**
 * @module
 * What this build is. This file describes a checkout; `scripts/bundle.ts` puts a generated module in its place when it
 * makes an executable, so nothing here may depend on anything else.
 */

/** `source`: run from a checkout; `portable`: sh head + Deno + bundle; `compiled`: made by `deno compile`. */
export type BuildForm = "source" | "portable" | "compiled";

/** The facts that `tsd version` and the API's `/version` report. */
export interface BuildInfo {
  readonly version: string;
  readonly form: BuildForm;
  /** Short commit hash, with `-dirty` after it when the work tree had changes; "unknown" outside a repository. */
  readonly gitCommit: string;
  /** The time of that commit (not of the build, so that builds can be repeated), RFC 3339; "" when unknown. */
  readonly commitTime: string;
}

export const BUILD_INFO: BuildInfo = {
  version: "0.1.0",
  form: "source",
  gitCommit: "unknown",
  commitTime: "",
};
