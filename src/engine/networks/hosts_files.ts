/**
 * @module
 * `/etc/hosts` of running containers, which learns of addresses that come and go. What else is in it stays.
 */
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { Container } from "../model/container.ts";

/** A container may write what it wants there; more than this is left alone. */
const MOST_BYTES = 1 << 20;

/** See the module's comment. */
export class HostsFiles {
  readonly #paths: EnginePaths;

  constructor(paths: EnginePaths) {
    this.#paths = paths;
  }

  /** The container's name leads to more addresses. */
  add(container: Container, addresses: readonly string[]): void {
    const { Hostname: hostname = "", Domainname: domain = "" } = container.record.config;
    const names = domain === "" ? hostname : `${hostname}.${domain} ${hostname}`;
    const lines = addresses.map((address) => `${address}\t${names}\n`).join("");
    this.#change(container, (text) => text.replace(/\n?$/, "\n") + lines);
  }

  remove(container: Container, addresses: readonly string[]): void {
    const isRemoved = (line: string) => addresses.some((address) => line.startsWith(`${address}\t`));
    this.#change(container, (text) => text.split("\n").filter((line) => !isRemoved(line)).join("\n"));
  }

  /** In place: the container has the very file. */
  #change({ id }: Container, change: (text: string) => string): void {
    const path = `${containerPaths(this.#paths, id).home}/hosts`;
    if (Deno.statSync(path).size > MOST_BYTES) return;
    Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path)));
  }
}
