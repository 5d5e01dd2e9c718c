/**
 * A mount namespace for a test: mounts in it hide the real files from the programs that run in it, so that the default
 * engine's paths can be used, or runc be missing, without changing the host. It is a PID namespace too, so that all its
 * processes end with it.
 */
import {
  executable,
  runCommand,
  type RunOptions,
  type RunResult,
  Session,
  type SessionOptions,
} from "../harness/mod.ts";

/** Hides the files that a default engine of the host may have. */
export const EMPTY_FIELDS = "mount -t tmpfs -o mode=755 tsd-test /run; mount -t tmpfs -o mode=755 tsd-test /var/lib";

/** Runs programs in the namespaces; disposing of it kills them all. */
export class Machine implements AsyncDisposable {
  readonly #anchor: Session;
  /** The host's PID of its first process. */
  readonly #init: number;
  readonly #id: string;

  private constructor(anchor: Session, init: number, id: string) {
    this.#anchor = anchor;
    this.#init = init;
    this.#id = id;
  }

  /** Creates the namespaces; `setup` is a shell script that mounts. @throws Error with the script's output */
  static async open(setup: string): Promise<Machine> {
    const flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child"];
    const script = `set -e; ${setup}\necho ready; exec cat`;
    const anchor = new Session("unshare", [...flags, "sh", "-c", script]);
    try {
      await anchor.waitFor("ready");
      const init = Number(await Deno.readTextFile(`/proc/${anchor.pid}/task/${anchor.pid}/children`));
      return new Machine(anchor, init, await Deno.readLink(`/proc/${init}/ns/pid`));
    } catch (thrown) {
      await anchor[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Runs a program in it, and waits for its exit. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
    return runCommand("nsenter", this.#arguments(command, args), options);
  }

  /** Runs tsd's client in it, on the default engine. */
  tsd(...args: readonly string[]): Promise<RunResult> {
    return this.run(executable(), args);
  }

  /** Starts a program in it. */
  session(command: string, args: readonly string[], options?: SessionOptions): Session {
    return new Session("nsenter", this.#arguments(command, args), options);
  }

  /** Returns the mount points in it. */
  async mountPoints(): Promise<string[]> {
    const text = await Deno.readTextFile(`/proc/${this.#init}/mountinfo`);
    return text.trimEnd().split("\n").map((line) => line.split(" ")[4]!);
  }

  /** Returns the host's path for a path in it. */
  path(absolute: string): string {
    return `/proc/${this.#init}/root${absolute}`;
  }

  /** Returns the host's PIDs of the engines that run in it. */
  async engines(): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) continue;
      const info = await endpointsOf(pid);
      if (info?.namespace === this.#id && /\/mod\.js daemon( |$)/.test(info.command)) found.push(pid);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#anchor[Symbol.asyncDispose]();
  }

  #arguments(command: string, args: readonly string[]): string[] {
    // nsenter forks, and its child ends with it.
    const entering = [`--mount=/proc/${this.#init}/ns/mnt`, `--pid=/proc/${this.#init}/ns/pid`];
    return [...entering, "--", "setpriv", "--pdeathsig", "KILL", "--", command, ...args];
  }
}

async function endpointsOf(pid: number): Promise<{ namespace: string; command: string } | undefined> {
  try {
    const namespace = await Deno.readLink(`/proc/${pid}/ns/pid`);
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    return { namespace, command };
  } catch (thrown) {
    // It has exited, is a zombie, which is in no namespace, or belongs to a more privileged user.
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    const isNone = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied;
    if (isNone || code === "ESRCH") return undefined;
    throw thrown;
  }
}
