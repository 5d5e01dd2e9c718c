/**
 * @module
 * `/etc/resolv.conf` of containers, which learns of networks that come and go, as long as nobody else has changed it.
 */
import { resolvConf } from "../../network/etc_files.ts";
import type { Container } from "../model/container.ts";
import { etcSettings } from "./etc_settings.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

const HOST_FILE = "/etc/resolv.conf";
/** In the folder of a run: what was written last. */
const MADE = "resolv.conf.made";
/** More than this is nothing that we have written. */
const MOST_BYTES = 1 << 20;

/** In place: a running container has the very file. `bundle`: the folder of its run. */
export function writeResolvConf(path: string, bundle: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: 0o644 });
  Deno.writeTextFileSync(`${bundle}/${MADE}`, text, { mode: 0o600 });
}

/** See the module's comment. */
export class ResolverFiles {
  readonly #paths: EnginePaths;

  constructor(paths: EnginePaths) {
    this.#paths = paths;
  }

  /** A running container asks somebody else from now on. */
  update({ id, record: { config, hostConfig } }: Container, nameServer: string | undefined): void {
    const { home, bundle } = containerPaths(this.#paths, id);
    const path = `${home}/resolv.conf`;
    const made = readIfExists(`${bundle}/${MADE}`);
    // A container may write what it wants there.
    if (made === undefined || Deno.statSync(path).size > MOST_BYTES || Deno.readTextFileSync(path) !== made) return;
    const settings = etcSettings(config, hostConfig, { addresses: [], hostGateway: undefined, nameServer });
    const text = resolvConf({ ...settings, hostResolvConf: readIfExists(HOST_FILE) ?? "" });
    if (text !== made) writeResolvConf(path, bundle, text);
  }
}
