import type { ConfiguredTexts, DockerConfig } from "../config/docker_config.ts";
import { printableLine, StatusError, type Terminal } from "../../cli/mod.ts";
import { foldKey } from "../../json/fold.ts";

/** Fields of Docker's `config.json` with the format of a listing that has no `--format`. */
export type FormatField = keyof ConfiguredTexts;

/**
 * Returns the format that the user configured for a listing; empty if there is none. An invalid file is only a warning. Most
 * files have no such field, so the code to parse them is loaded only if the file mentions it.
 */
export async function configuredFormat(terminal: Terminal, field: FormatField): Promise<string> {
  return await configuredField(terminal, field, (config) => config.text(field)) ?? "";
}

/**
 * Reads a value from a user's `config.json`; undefined if the file doesn't have the field or is invalid.
 * @param field the field that must be present for `read` to be called
 */
export async function configuredField<T>(
  terminal: Terminal,
  field: string,
  read: (config: DockerConfig) => T,
): Promise<T | undefined> {
  const home = terminal.env("HOME");
  const dir = terminal.env("DOCKER_CONFIG") || (home && `${home}/.docker`);
  if (!dir || !await mentions(`${dir}/config.json`, field)) return undefined;
  const { DockerConfig } = await import("../config/docker_config.ts");
  try {
    return read(await DockerConfig.load((name) => terminal.env(name)));
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    await terminal.err(`WARNING: ${printableLine(thrown.message)}\n`);
    return undefined;
  }
}

/** Returns whether a file may have a field: it contains the name in any case, or a name with escapes. */
async function mentions(path: string, field: string): Promise<boolean> {
  try {
    const text = await Deno.readTextFile(path);
    return text.includes("\\u") || foldKey(text).includes(`"${foldKey(field)}"`);
  } catch (thrown) {
    const unreadable = [Deno.errors.NotFound, Deno.errors.PermissionDenied, Deno.errors.NotADirectory];
    if (unreadable.some((kind) => thrown instanceof kind)) return false;
    throw thrown;
  }
}
