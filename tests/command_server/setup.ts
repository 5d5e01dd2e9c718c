/** An engine and a container, and commands of which is known whether the engine has done them. */
import {
  executable,
  runCommand,
  type RunOptions,
  type RunResult,
  Session,
  type SessionOptions,
} from "../harness/mod.ts";
import { runDetached, type Setup, startSetup, until } from "../engine/setup.ts";

/** What can be the portable form's head. */
export const SHELLS = {
  dash: ["dash"],
  bash: ["bash"],
  "bash --posix": ["bash", "--posix"],
  "busybox sh": ["busybox", "sh"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Where nothing can be unpacked, so that no process of a command's own can start. */
const NO_CACHE = { TSD_CACHE_DIR: "/proc/nowhere" };
/** What a command says and ends with that should start one. */
export const NEEDED_PROCESS = "cannot make the cache folder /proc/nowhere";

export class CommandServerFixture implements AsyncDisposable {
  readonly setup: Setup;
  /** For the test's own files; callers begin there. */
  readonly dir: string;
  /** A container that sleeps. */
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

  /** A command that the engine does, or that ends with {@link NEEDED_PROCESS}. */
  served(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.process([executable(), ...args], { ...options, env: { ...NO_CACHE, ...options.env } });
  }

  /** The same with another shell than the system's. */
  servedBy(shell: readonly string[], args: readonly string[]): Promise<RunResult> {
    return this.process([...shell, executable(), ...args], { env: NO_CACHE });
  }

  /** The same by a process of its own: a flag before the command is nothing that the head asks an engine for. */
  alone(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.process([executable(), "-H", this.setup.engine.host, ...args], options);
  }

  /** Any program, with the environment of clients and in the test's folder. */
  process([command, ...args]: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runCommand(command!, args, { cwd: this.dir, ...options, env: { ...this.#environment, ...options.env } });
  }

  /** A script; `$tsd` can only be done by the engine, `$alone` never is, `$image` is the image. */
  shell(script: string, options: RunOptions = {}): Promise<RunResult> {
    return this.process(["sh", "-euc", script], { ...options, env: { ...NO_CACHE, ...options.env } });
  }

  /** A command that goes on, done by the engine for this shell. */
  session(shell: readonly string[], args: readonly string[], options: SessionOptions = {}): Session {
    const [command, ...words] = [...shell, executable(), ...args];
    const env = { ...this.#environment, ...options.env };
    return new Session(command!, words, { cwd: this.dir, ...options, env });
  }

  /** Names of the seats that are taken. */
  async taken(): Promise<string[]> {
    try {
      const names = await Array.fromAsync(Deno.readDir(this.calls), ({ name }) => name);
      return names.filter((name) => name.startsWith("seat.")).sort();
    } catch (thrown) {
      // An engine that comes puts its folder in the place of an older one.
      if (thrown instanceof Deno.errors.NotFound) return ["no folder"];
      throw thrown;
    }
  }

  /**
   * Waits until the engine does what a caller has asked for: it has the caller's output then. That is the caller's
   * descriptor 6 from when it asks; its standard output is something else while it tells the engine so.
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

  /** How many descriptors the engine has; idle ones of libraries come to rest. */
  async descriptors(): Promise<number> {
    return (await this.setup.engine.snapshot()).process!.descriptors.length;
  }

  /** Fails when the engine keeps more open than `before`. */
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

/** The program that a process is, without its folder: a caller stays a shell. */
export const programOf = (pid: number): string => Deno.readLinkSync(`/proc/${pid}/exe`).replace(/^.*\//, "");
