/** Determines what an administrator grants a plugin: permissions, after they were shown, and settings. */
import type { PluginGrant, PluginPermissions } from "../../api_types/mod.ts";
import {
  type FlagSpecs,
  type FlagValues,
  printableLine,
  Prompt,
  StatusError,
  type Terminal,
  UsageError,
} from "../../cli/mod.ts";

export const GRANT_FLAGS = {
  "grant-all-permissions": { type: "bool", help: "Grant all permissions that the plugin asks for, without a question" },
  set: { type: "list", valueName: "KEY=VALUE", help: "Give a setting; VALUE is JSON, or else a text" },
} as const satisfies FlagSpecs;

/** Parses `a=1` and `b=text` to an object; values are JSON or else strings. @throws {UsageError} */
export function settingsOf(words: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new UsageError(`invalid argument ${JSON.stringify(word)} for "--set" flag: use KEY=VALUE`);
    return [word.slice(0, at), valueOf(word.slice(at + 1))];
  }));
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a string without quotes: --set url=https://example.com
  }
}

/**
 * Asks the user to grant the requested permissions. Returns the grant of all of them, or undefined if the user refuses.
 * @throws {StatusError} if standard input is not a terminal
 */
export async function grantOf(
  terminal: Terminal,
  plugin: { readonly Name: string; readonly Permissions: PluginPermissions },
  flags: FlagValues<typeof GRANT_FLAGS>,
): Promise<PluginGrant | undefined> {
  const config = settingsOf(flags.set);
  const grant = { Permissions: plugin.Permissions, ...flags.set.length > 0 && { Config: config } };
  const requested = Object.entries(plugin.Permissions);
  if (requested.length === 0 || flags["grant-all-permissions"]) return grant;
  await terminal.err(`Plugin ${printableLine(plugin.Name)} asks for these permissions:\n`);
  for (const [kind, values] of requested) {
    await terminal.err(` - ${kind}: ${printableLine(values.join(", "))}\n`);
  }
  if (!terminal.isTty("stdin")) {
    throw new StatusError("nobody can be asked here: give --grant-all-permissions to grant them");
  }
  await terminal.err("Do you grant them? [y/N] ");
  using prompt = new Prompt(terminal);
  const answer = await prompt.line("");
  return answer?.trim().toLowerCase() === "y" ? grant : undefined;
}
