import { UsageError } from "../../cli/mod.ts";

/** What `--security-opt` asks for, in the form of the API. */
export interface SecurityRequest {
  readonly options: readonly string[];
  /** The paths that are hidden or protected by default are neither. */
  readonly allPaths: boolean;
}

/**
 * Profiles that the engine has. Any other is a file of the caller's, or, unlike with docker, the profile itself: so it stands
 * in the command line that `inspect --as run` gives.
 */
const BUILT_IN = ["builtin", "unconfined"];
const ALL_PATHS = "systempaths=unconfined";

/** The engine gets the text of a profile and not its name. @throws {UsageError} with Docker's texts */
export async function securityRequest(given: readonly string[]): Promise<SecurityRequest> {
  const options: string[] = [];
  for (const option of given) options.push(await securityOption(option));
  return { options: options.filter((option) => option !== ALL_PATHS), allPaths: options.includes(ALL_PATHS) };
}

async function securityOption(option: string): Promise<string> {
  const at = option.includes("=") ? option.indexOf("=") : option.indexOf(":");
  const name = at < 0 ? option : option.slice(0, at);
  const value = at < 0 ? "" : option.slice(at + 1);
  if (value === "" && name !== "no-new-privileges" && name !== "writable-cgroups") {
    throw new UsageError(`Invalid --security-opt: ${JSON.stringify(option)}`);
  }
  if (name !== "seccomp" || BUILT_IN.includes(value)) return option;
  if (value.startsWith("{")) return `seccomp=${compactJson(value, "given")}`;
  return `seccomp=${compactJson(await readProfile(value), value)}`;
}

async function readProfile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    const why = REASONS.find(([kind]) => thrown instanceof kind)?.[1] ?? thrown.message;
    throw new UsageError(`opening seccomp profile (${path}) failed: open ${path}: ${why}`);
  }
}

const REASONS = [
  [Deno.errors.NotFound, "no such file or directory"],
  [Deno.errors.PermissionDenied, "permission denied"],
  [Deno.errors.IsADirectory, "is a directory"],
] as const;

/** Without white space between its parts. Numbers stay as they are written: they may have 64 bits. */
function compactJson(text: string, path: string): string {
  try {
    JSON.parse(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new UsageError(`compacting json for seccomp profile (${path}) failed: ${thrown.message}`);
  }
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted: string | undefined) => quoted ?? "");
}
