import { UsageError } from "../../cli/mod.ts";

/** The values of `--security-opt` in the form of the API. */
export interface SecurityRequest {
  readonly options: readonly string[];
  /** No paths are masked or read-only (`systempaths=unconfined`). */
  readonly allPaths: boolean;
}

/**
 * The profiles that the engine has. Any other value is a file of the caller or, unlike in docker, the profile itself, as in
 * the command lines that `inspect --as run` prints.
 */
const BUILT_IN = ["builtin", "unconfined"];
const ALL_PATHS = "systempaths=unconfined";

/** Validates security options and replaces the paths of profiles by their content. @throws {UsageError} with Docker's messages */
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

/** Removes insignificant white space. Numbers keep their text, because they can have 64 bits. */
function compactJson(text: string, path: string): string {
  try {
    JSON.parse(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new UsageError(`compacting json for seccomp profile (${path}) failed: ${thrown.message}`);
  }
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted: string | undefined) => quoted ?? "");
}
