/** An engine, a container, and clients for which it is known whether the engine runs their commands. */
import {
  executable,
  runCommand,
  type RunOptions,
  type RunResult,
  Session,
  type SessionOptions,
} from "../harness/mod.ts";
import { runDetached, type Setup, startSetup, until } from "../engine/setup.ts";

/** Shells that can run the launcher. */
export const SHELLS = {
  dash: ["dash"],
  bash: ["bash"],
  "bash --posix": ["bash", "--posix"],
  "busybox sh": ["busybox", "sh"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A cache directory in which nothing can be unpacked, so that no client process can start. */
const NO_CACHE = { TSD_CACHE_DIR: "/proc/nowhere" };
/** The error of a command that tried to start a client process. */
export const NEEDED_PROCESS = "cannot make the cache folder /proc/nowhere";

export class CommandServerFixture implements AsyncDisposable {
  readonly setup: Setup;
  /** A directory for the test's files; the clients' working directory. */
  readonly dir: string;
  /** The ID of a container that sleeps. */
  readonly box: string;

  private constructor(setup: Setup, dir: string, box: string) {
    this.setup = setup;
    this.dir = dir;
    this.box = box;
  }

  static async start(): Promise<CommandServerFixture> {
    const setup = await startSetup();
    try {
      const dir = `${setup.engine.dir}/test`;
      await Deno.mkdir(dir);
      return new CommandServerFixture(setup, dir, await runDetached(setup, "exec sleep 1000", ["--name", "box"]));
    } catch (thrown) {
      await setup[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get calls(): string {
    return `${this.setup.engine.socketPath}.calls`;
  }

  /** Runs a command that the engine must run; otherwise it fails with {@link NEEDED_PROCESS}. */
  served(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.process([executable(), ...args], { ...options, env: { ...NO_CACHE, ...options.env } });
  }

  /** Like {@link served}, with another shell than the system's. */
  servedBy(shell: readonly string[], args: readonly string[]): Promise<RunResult> {
    return this.process([...shell, executable(), ...args], { env: NO_CACHE });
  }

  /** Runs a command in a client process: the launcher hands no command with leading flags to an engine. */
  alone(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.process([executable(), "-H", this.setup.engine.host, ...args], options);
  }

  /** Runs any program in {@link dir} with the clients' environment. */
  process([command, ...args]: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runCommand(command!, args, { cwd: this.dir, ...options, env: { ...this.#environment, ...options.env } });
  }

  /** Runs a script. The engine must run `$tsd`, and never runs `$alone`; `$image` is the image. */
  shell(script: string, options: RunOptions = {}): Promise<RunResult> {
    return this.process(["sh", "-euc", script], { ...options, env: { ...NO_CACHE, ...options.env } });
  }

  /** Starts a long-running command that the engine runs for this shell. */
  session(shell: readonly string[], args: readonly string[], options: SessionOptions = {}): Session {
    const [command, ...words] = [...shell, executable(), ...args];
    const env = { ...this.#environment, ...options.env };
    return new Session(command!, words, { cwd: this.dir, ...options, env });
  }

  /** Returns the names of the claimed slots. */
  async taken(): Promise<string[]> {
    try {
      const names = await Array.fromAsync(Deno.readDir(this.calls), ({ name }) => name);
      return names.filter((name) => name.startsWith("seat.")).sort();
    } catch (thrown) {
      // A starting engine replaces the directory of an older one.
      if (thrown instanceof Deno.errors.NotFound) return ["no folder"];
      throw thrown;
    }
  }

  /**
   * Waits until the engine runs a client's command: then it has the client's output open. That is the client's
   * descriptor 6 from its request on; standard output is another file while the client writes the request.
   */
  async untilServed({ pid }: { readonly pid: number }): Promise<void> {
    const dir = `/proc/${this.setup.engine.pid}/fd`;
    await until("an engine that listens", async () => {
      const output = await Deno.readLink(`/proc/${pid}/fd/6`).catch(() => "not yet");
      const has = (name: string) => Deno.readLink(`${dir}/${name}`).then((path) => path === output, () => false);
      const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
      return (await Promise.all(names.map(has))).includes(true);
    });
  }

  async allFree(): Promise<void> {
    await until("free seats", async () => (await this.taken()).length === 0);
  }

  /** Returns the number of the engine's descriptors, after idle ones of libraries were closed. */
  async descriptors(): Promise<number> {
    return (await this.setup.engine.snapshot()).process!.descriptors.length;
  }

  /** Fails if the engine keeps more descriptors open than `before`. */
  async noMoreDescriptors(before: number): Promise<void> {
    await until(`no more than ${before} descriptors`, async () => await this.descriptors() <= before);
  }

  get #environment(): Record<string, string> {
    const { engine, image } = this.setup;
    return {
      ...{ tsd: executable(), alone: `${executable()} -H ${engine.host}`, image, calls: this.calls },
      ...{ TSD_HOST: engine.host, HOME: `${engine.dir}/home` },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.setup[Symbol.asyncDispose]();
  }
}

/** Returns the name of a process's executable; that of a shell client is a shell. */
export const programOf = (pid: number): string => Deno.readLinkSync(`/proc/${pid}/exe`).replace(/^.*\//, "");
