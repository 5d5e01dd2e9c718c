import type { ConfiguredTexts, DockerConfig } from "../config/docker_config.ts";
import { printableLine, StatusError, type Terminal } from "../../cli/mod.ts";
import { foldKey } from "../../json/fold.ts";

/** Fields of Docker's `config.json` that say how a listing is shown where no `--format` does. */
export type FormatField = keyof ConfiguredTexts;

/**
 * The user's own format of a listing; empty when there is none. A file that can't be understood is said and no reason to
 * stop. Most have none, so that more is loaded only for a file that has one.
 */
export async function configuredFormat(terminal: Terminal, field: FormatField): Promise<string> {
  return await configuredField(terminal, field, (config) => config.text(field)) ?? "";
}

/** What is read of a user's `config.json` that has this field; undefined when it has none, or can't be understood. */
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

/** Reports whether a file may have a field: it has its name in any case, or a name with escapes. */
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
