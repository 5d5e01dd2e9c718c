/**
 * @module
 * One plugin's process, seen from the engine: started with a pipe to it and one from it, asked, and killed when it is late,
 * floods the engine or talks nonsense. What it says is data of a stranger.
 */
import { toTsdError } from "../../errors.ts";
import { BadFrame, encodeFrame, encodeText, FrameReader } from "../../plugins/host/frames.ts";
import {
  FROM_HOST_BYTES,
  type FromHost,
  parseFromHost,
  TO_HOST_BYTES,
  type ToHost,
} from "../../plugins/host/messages.ts";
import { Outbox } from "./outbox.ts";
import type { Reaper } from "../../runtime/reaper.ts";
import { StdinPipe } from "../../runtime/stdin_pipe.ts";
import {
  EPOLL,
  type Epoll,
  type FileCalls,
  isErrno,
  O,
  OwnedFd,
  type PipeCalls,
  type ProcessCalls,
  SIG,
} from "../../sys/mod.ts";
import type { PluginCommand } from "./plugin_command.ts";

/** Bytes that are read in one turn of the event loop. */
const TURN_BYTES = 256 << 10;
/** Read into by all, one at a time: nothing is kept of it. */
const READ = new Uint8Array(TURN_BYTES);
/** Storage calls whose answers the process has not taken; more of them are a flood. */
const STORING = 64;
/** A process that says more within a second has failed. */
const FLOOD_BYTES = 16 << 20;
const SECOND_MS = 1000;
/** How long the file may take to load, in ms. */
const LOAD_MS = 5000;

/** Longest time of a timer, in ms. */
const MAX_MS = 2 ** 31 - 1;

/** What a plugin's process needs of the machine. */
export interface PluginCalls {
  readonly processes: Pick<ProcessCalls, "spawn" | "kill">;
  readonly pipes: Pick<PipeCalls, "pipe2" | "setNonBlocking">;
  readonly files: Pick<FileCalls, "read" | "write">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly exits: Pick<Reaper, "spawned">;
}

/** What the process wants of the engine beside answering. */
export interface PluginServices {
  log(level: string, message: string): void;
  /** @throws what the plugin is told */
  storage(message: FromHost & { kind: "storage" }): Promise<unknown>;
  /** The process runs, and may be confined further. */
  started(pid: number): void;
}

/** How a plugin is asked. */
export interface CallOptions {
  /** Nobody waits: it has time. */
  readonly isReported?: boolean;
  /** When the signal will fire, in ms. */
  readonly withinMs?: number;
}

/** The process itself failed: it is gone. */
export class PluginExited extends Error {}

/** See the module's comment. Dispose of it to kill it. */
export class PluginProcess implements Disposable {
  readonly #calls: PluginCalls;
  readonly #services: PluginServices;
  readonly #input: StdinPipe;
  readonly #outbox = new Outbox((bytes) => this.#input.write(bytes));
  readonly #output: OwnedFd;
  readonly #reader = new FrameReader(FROM_HOST_BYTES);
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #pid: number;
  #messages = 0;
  #window = { fromMs: 0, bytes: 0 };
  #why: string | undefined;
  #storing = 0;
  #isRead = true;
  #isOver = false;
  /** Resolves when it has ended, to why. */
  readonly ended: Promise<string>;

  /** Starts it; call {@link load} next. @throws {TsdError} system_call */
  constructor(command: PluginCommand, services: PluginServices, calls: PluginCalls) {
    this.#calls = calls;
    this.#services = services;
    const { pipes, processes, epoll, files, exits } = calls;
    using undo = new DisposableStack();
    const end = (fd: number) => undo.use(new OwnedFd(fd));
    const toIt = pipes.pipe2();
    const [theirInput, input] = [end(toIt.readFd), end(toIt.writeFd)];
    const fromIt = pipes.pipe2();
    const [output, theirOutput] = [end(fromIt.readFd), end(fromIt.writeFd)];
    pipes.setNonBlocking(input.fd, true);
    pipes.setNonBlocking(output.fd, true);
    this.#pid = processes.spawn({
      ...command,
      cwd: "/",
      stdio: [
        { target: 0, fd: theirInput.fd },
        { target: 1, fd: theirOutput.fd },
        { target: 2, path: "/dev/null", flags: O.WRONLY },
      ],
    });
    const exited = exits.spawned(this.#pid);
    undo.defer(() => processes.kill(-this.#pid, SIG.KILL));
    services.started(this.#pid);
    epoll.add(output.fd, EPOLL.IN, () => this.#read());
    // From here on it is closed by its end.
    undo.move();
    theirInput[Symbol.dispose]();
    theirOutput[Symbol.dispose]();
    this.#output = output;
    this.#input = new StdinPipe(files, epoll);
    this.#input.open(input);
    this.ended = exited.then(({ exitCode, signal }) => {
      this.#why ??= signal === undefined
        ? `it ended by itself with exit code ${exitCode}`
        : `it was ended by signal ${signal}, as when its memory is used up`;
      this.#close();
      return this.#why;
    });
  }

  /** Loads the plugin's file, and returns what that says of itself. @throws {PluginGone, Error} */
  async load(file: string, config: unknown): Promise<unknown> {
    return await this.#ask(
      (id) => void this.#outbox.send(frameOf({ kind: "load", id, file, config })),
      AbortSignal.timeout(LOAD_MS),
      "be loaded",
    );
  }

  /**
   * Asks at a hook. When `signal` fires first, the process is killed.
   * @throws {PluginGone}; Error: the plugin's own
   */
  async call(
    hook: string,
    context: unknown,
    signal: AbortSignal,
    { isReported = false, withinMs = MAX_MS }: CallOptions = {},
  ): Promise<unknown> {
    const send = (id: number) => {
      const frame = encodeText(callText({ id, hook, withinMs }, context), TO_HOST_BYTES);
      if (isReported) this.#outbox.sendLater(frame);
      else void this.#outbox.send(frame);
    };
    return await this.#ask(send, signal, `answer ${hook}`);
  }

  /** Whether it can be asked. */
  get isAlive(): boolean {
    return this.#why === undefined;
  }

  [Symbol.dispose](): void {
    this.#kill("it was stopped");
  }

  async #ask(send: (id: number) => void, signal: AbortSignal, what: string): Promise<unknown> {
    if (this.#why !== undefined) throw new PluginExited(this.#why);
    const id = ++this.#messages;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const late = () => this.#kill(`it took too long to ${what} and was killed`);
    signal.addEventListener("abort", late, { once: true });
    try {
      if (signal.aborted) late();
      else send(id);
      return await waiting.promise;
    } finally {
      signal.removeEventListener("abort", late);
      this.#waiting.delete(id);
    }
  }

  #read(): void {
    const count = this.#calls.files.read(this.#output.fd, READ);
    if (count === "again") return;
    if (count === 0) return this.#hungUp();
    try {
      this.#checkFlood(count);
      for (const message of this.#reader.push(READ.subarray(0, count))) this.#receive(parseFromHost(message));
    } catch (thrown) {
      if (!(thrown instanceof BadFrame)) throw thrown;
      this.#kill(`it sent ${thrown.message}`);
    }
  }

  /** It has ended, mostly, and how is known in a moment. */
  #hungUp(): void {
    this.#calls.epoll.remove(this.#output.fd);
    this.#isRead = false;
    const timer = setTimeout(() => this.#kill("it closed its output"), SECOND_MS);
    void this.ended.then(() => clearTimeout(timer));
  }

  #checkFlood(bytes: number): void {
    const now = Date.now();
    if (now - this.#window.fromMs > SECOND_MS) this.#window = { fromMs: now, bytes: 0 };
    this.#window.bytes += bytes;
    if (this.#window.bytes > FLOOD_BYTES) throw new BadFrame("more than can be read");
  }

  #receive(message: FromHost | undefined): void {
    if (message === undefined) throw new BadFrame("a message that is none");
    switch (message.kind) {
      case "log":
        return this.#services.log(message.level, message.message);
      case "storage":
        if (this.#storing >= STORING) throw new BadFrame("more storage calls than it takes answers");
        return void this.#store(message);
      case "loaded":
        return this.#waiting.get(message.id)?.resolve(message.manifest);
      case "answer":
        return this.#waiting.get(message.id)?.resolve(message.value);
      case "thrown":
        return this.#waiting.get(message.id)?.reject(new Error(message.message));
    }
  }

  async #store(message: FromHost & { kind: "storage" }): Promise<void> {
    const { id } = message;
    this.#storing++;
    try {
      const answer = await this.#services.storage(message).then(
        (value) => ({ kind: "stored", id, value }) as const,
        (thrown) => ({ kind: "stored", id, error: toTsdError(thrown).message }) as const,
      );
      await this.#outbox.send(frameOf(answer));
    } finally {
      this.#storing--;
    }
  }

  #kill(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    try {
      // It is the first of its session: what it may have started goes along.
      this.#calls.processes.kill(-this.#pid, SIG.KILL);
    } catch (thrown) {
      if (!isErrno(thrown, "ESRCH")) throw thrown;
    }
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isRead) this.#calls.epoll.remove(this.#output.fd);
    this.#output[Symbol.dispose]();
    this.#outbox.close();
    this.#input.abandon();
    for (const waiting of this.#waiting.values()) waiting.reject(new PluginExited(this.#why));
    this.#waiting.clear();
  }
}

/** @throws {BadFrame} */
const frameOf = (message: ToHost): Uint8Array => encodeFrame(message, TO_HOST_BYTES);

/** JSON of snapshots: all plugins that have a hook get the same one. */
const texts = new WeakMap<object, string>();

/** A `call` as JSON. */
const callText = (call: { readonly id: number; readonly hook: string; readonly withinMs: number }, context: unknown) =>
  `{"kind":"call",${JSON.stringify(call).slice(1, -1)},"context":${textOf(context)}}`;

function textOf(context: unknown): string {
  if (typeof context !== "object" || context === null || !Object.isFrozen(context)) return JSON.stringify(context);
  let text = texts.get(context);
  if (text === undefined) texts.set(context, text = JSON.stringify(context));
  return text;
}
