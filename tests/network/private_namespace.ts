/**
 * Network namespaces for tests that change state of the whole machine (rules of others, forwarding): the engine runs in
 * one, and others represent other machines.
 */
import { strict as assert } from "node:assert";
import { runCommand, type RunResult, tracesOf } from "../harness/mod.ts";
import type { Fixture, Step } from "../cli/setup.ts";

export class Namespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async make(): Promise<Namespace> {
    const namespace = new Namespace(`tsd-test-${crypto.randomUUID().slice(0, 8)}`);
    await must(runCommand("ip", ["netns", "add", namespace.name]));
    await namespace.must("ip", "link", "set", "lo", "up");
    return namespace;
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Runs a program of the host in it. */
  run(...command: readonly string[]): Promise<RunResult> {
    return runCommand("nsenter", [`--net=${this.path}`, "--", ...command]);
  }

  /** Returns a program's output. @throws Error with its standard error if it fails */
  async must(...command: readonly string[]): Promise<string> {
    return await must(this.run(...command));
  }

  /** Returns a setting below /proc/sys/net, after changing it if `value` is given. */
  async setting(name: string, value?: string): Promise<string> {
    const path = `/proc/sys/net/${name}`;
    if (value !== undefined) await this.must("sh", "-c", 'echo "$1" > "$2"', "sh", value, path);
    return (await this.must("cat", path)).trim();
  }

  /**
   * Creates a veth pair to another namespace, with an address (CIDR) at each end; the other's default route is this
   * one.
   */
  async connect(other: Namespace, link: string, managed: string, theirs: string): Promise<void> {
    await this.must("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", other.name);
    await this.must("ip", "addr", "add", managed, "dev", link);
    await this.must("ip", "link", "set", link, "up");
    await other.must("ip", "addr", "add", theirs, "dev", "eth0");
    await other.must("ip", "link", "set", "eth0", "up");
    await other.must("ip", "route", "add", "default", "via", managed.replace(/\/.*/, ""));
  }

  /** Connects, and returns what the server sends; empty if none listens. */
  async ask(address: string, port: number): Promise<string> {
    return (await this.run("busybox", "nc", "-w", "1", address, String(port))).stdout;
  }

  /** Sends a text to each client that connects, until it is disposed of. */
  serve(port: number, text: string): AsyncDisposable {
    const command = ["busybox", "nc", "-ll", "-p", String(port), "-e", "echo", text];
    const args = [`--net=${this.path}`, "--", ...command];
    const child = new Deno.Command("nsenter", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    return {
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.status;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await must(runCommand("ip", ["netns", "del", this.name]));
  }
}

/** Restarts the fixture's engine in a namespace. */
export async function moveEngine(fixture: Fixture, namespace: Namespace | undefined): Promise<void> {
  await fixture.engine.stop();
  fixture.engine.namespace = namespace?.path;
  await fixture.engine.start();
}

/** Wraps a step that runs with the engine in a namespace without forwarding; checks that nothing is left in it. */
export const inNamespace = (body: (fixture: Fixture, box: Namespace) => Promise<void>): Step => async (fixture) => {
  await using box = await Namespace.make();
  await box.setting("ipv4/ip_forward", "0");
  await moveEngine(fixture, box);
  try {
    await body(fixture, box);
    await fixture.engine.removeContainers();
    await fixture.engine.stop();
    assert.equal(await box.must("sh", "-c", `nft list tables | grep ${ruleTableOf(fixture)} || :`), "");
    assert.equal(await box.must("sh", "-c", "ip -o link show type bridge | grep tsd || :"), "");
  } finally {
    await moveEngine(fixture, undefined);
  }
};

/** Returns the name of the engine's nftables table. */
export const ruleTableOf = (fixture: Fixture): string => `tsd-${tracesOf(fixture.engine.dataRoot).engineId}`;

async function must(running: Promise<RunResult>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(stderr || `exit code ${code}`);
  return stdout;
}
