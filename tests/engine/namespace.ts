/**
 * A mount namespace of a test's own: what is mounted there hides the real thing from the programs that run in it, so that
 * the default engine's places can be used, or runc be missing, without touching this machine.
 */
import { runCommand, type RunOptions, type RunResult, Session, type SessionOptions } from "../harness/mod.ts";

/** Programs that run here see its mounts; disposing of it kills them all. */
export class MountNamespace implements AsyncDisposable {
  readonly #anchor: Session;
  readonly #id: string;

  private constructor(anchor: Session, id: string) {
    this.#anchor = anchor;
    this.#id = id;
  }

  /** Makes one; `setup` is a shell script that mounts. @throws Error with what the script said */
  static async open(setup: string): Promise<MountNamespace> {
    const script = `set -e; ${setup}\necho ready; exec cat`;
    const anchor = new Session("unshare", ["--mount", "--propagation", "private", "sh", "-c", script]);
    try {
      await anchor.waitFor("ready");
      return new MountNamespace(anchor, await Deno.readLink(`/proc/${anchor.pid}/ns/mnt`));
    } catch (thrown) {
      await anchor[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Runs a program in it, to its end. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
    return runCommand("nsenter", this.#arguments(command, args), options);
  }

  /** Starts a program in it. */
  session(command: string, args: readonly string[], options?: SessionOptions): Session {
    return new Session("nsenter", this.#arguments(command, args), options);
  }

  /** The mount points in it. */
  async mountPoints(): Promise<string[]> {
    const text = await Deno.readTextFile(`/proc/${this.#anchor.pid}/mountinfo`);
    return text.trimEnd().split("\n").map((line) => line.split(" ")[4]!);
  }

  /** A path as it is seen in it. */
  path(absolute: string): string {
    return `/proc/${this.#anchor.pid}/root${absolute}`;
  }

  /** Programs in it, with their arguments; not the one that holds it. */
  async processes(): Promise<{ pid: number; command: string }[]> {
    const found: { pid: number; command: string }[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === this.#anchor.pid) continue;
      const facts = await factsOf(pid);
      if (facts?.namespace === this.#id) found.push({ pid, command: facts.command });
    }
    return found;
  }

  /** Engines that run in it: by their arguments, without the shell that becomes them. */
  async engines(): Promise<number[]> {
    const all = await this.processes();
    return all.filter(({ command }) => / daemon( |$)/.test(command)).map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let left = await this.processes(); left.length > 0; left = await this.processes()) {
      for (const { pid } of left) killIfThere(pid);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await this.#anchor[Symbol.asyncDispose]();
  }

  #arguments(command: string, args: readonly string[]): string[] {
    return [`--mount=/proc/${this.#anchor.pid}/ns/mnt`, "--", command, ...args];
  }
}

async function factsOf(pid: number): Promise<{ namespace: string; command: string } | undefined> {
  try {
    const namespace = await Deno.readLink(`/proc/${pid}/ns/mnt`);
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    return { namespace, command };
  } catch (thrown) {
    // It has ended, is a zombie, which is in no namespace, or belongs to somebody stronger.
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    const isNone = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied;
    if (isNone || code === "ESRCH") return undefined;
    throw thrown;
  }
}

function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
