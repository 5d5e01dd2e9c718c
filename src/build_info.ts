/**
 * @module
 * Information about this build. This file describes a checkout; `scripts/bundle.ts` replaces it by a generated module
 * when it builds an executable, so it must not import other modules.
 */

/** `source`: run from a checkout; `portable`: sh head + Deno + bundle; `compiled`: built by `deno compile`. */
export type BuildForm = "source" | "portable" | "compiled";

/** The build information that `tsd version` and the API's `/version` report. */
export interface BuildInfo {
  readonly version: string;
  readonly form: BuildForm;
  /** Short commit hash, with the suffix `-dirty` if the work tree had changes; "unknown" outside a repository. */
  readonly gitCommit: string;
  /** The commit's time, RFC 3339 (not the build's, so that builds are reproducible); "" if unknown. */
  readonly commitTime: string;
}

export const BUILD_INFO: BuildInfo = {
  version: "0.1.0",
  form: "source",
  gitCommit: "unknown",
  commitTime: "",
};
