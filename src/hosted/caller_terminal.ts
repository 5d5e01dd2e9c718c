import {
  type CommandHost,
  NeedsProcessError,
  OutputClosedError,
  type StdStream,
  type Terminal,
  type TerminalSize,
} from "../cli/mod.ts";
import { isErrno, type OwnedFd, type PipeCalls, SysError, terminals, type WindowSize } from "../sys/mod.ts";
import type { Caller } from "./caller.ts";

const ENCODER = new TextEncoder();
const RETRY_PAUSE_MS = 2;
type OutputName = "stdout" | "stderr";
/** What the caller's command line may contain that goes on with a command. */
const PLAIN_WORD = /^[\w=.-]+$/;

/** What a terminal tells the caller, beside what it writes. */
export type Tell = (line: string) => void;

/** The outside of a command that the engine does: its caller's streams, environment and signals. */
export class CallerTerminal implements Terminal, CommandHost, Disposable {
  readonly host = this;
  readonly #caller: Caller;
  readonly #pipes: Pick<PipeCalls, "writeAway">;
  readonly #tell: Tell;
  readonly #fds: Partial<Record<OutputName, OwnedFd | undefined>> = {};
  readonly #writing: Record<OutputName, Promise<void>> = { stdout: Promise.resolve(), stderr: Promise.resolve() };
  readonly #handlers = new Map<Deno.Signal, (signal: Deno.Signal) => void>();
  /** Writes under way, which may wait for ever: how to give up waiting for them. */
  readonly #giveUp = new Map<Promise<unknown>, () => void>();
  #leaves = false;
  #isOver = false;

  constructor(caller: Caller, pipes: Pick<PipeCalls, "writeAway">, tell: Tell) {
    this.#caller = caller;
    this.#pipes = pipes;
    this.#tell = tell;
    caller.gone.addEventListener("abort", () => this.#giveUp.forEach((giveUp) => giveUp()), { once: true });
  }

  /** The command is for a process of its own; what it still says here is of no use to anybody. */
  get leaves(): boolean {
    return this.#leaves;
  }

  /** Whether signals are handled at the moment. */
  get handlesSignals(): boolean {
    return this.#handlers.size > 0;
  }

  get stdin(): ReadableStream<Uint8Array> {
    return this.needProcess();
  }

  out(data: string | Uint8Array): Promise<void> {
    return this.#write("stdout", data);
  }

  err(data: string | Uint8Array): Promise<void> {
    return this.#write("stderr", data);
  }

  isTty(stream: StdStream): boolean {
    return stream === "stdin" ? this.needProcess() : this.#size(stream) !== undefined;
  }

  env(name: string): string | undefined {
    return this.#caller.env(name);
  }

  cwd(): string {
    return this.#caller.cwd;
  }

  size(): TerminalSize | undefined {
    return this.#size("stdout");
  }

  setRaw(): void {
    this.needProcess();
  }

  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable {
    for (const signal of signals) this.#handlers.set(signal, handler);
    this.#tell(`catch ${signals.map((signal) => signal.replace(/^SIG/, "")).join(" ")}`);
    return {
      [Symbol.dispose]: () => {
        for (const signal of signals) this.#handlers.delete(signal);
      },
    };
  }

  /** The caller got a signal that was asked for. */
  signalled(signal: Deno.Signal): void {
    this.#handlers.get(signal)?.(signal);
  }

  needProcess(): never {
    this.leave();
    throw new NeedsProcessError();
  }

  needSignals(signals: readonly Deno.Signal[]): void {
    // Bash and busybox ignore this one themselves, and catch it all the same when they are told to.
    if (this.#caller.ignores(signals.filter((signal) => signal !== "SIGQUIT"))) this.needProcess();
  }

  /** See {@link leaves}. */
  leave(): void {
    this.#leaves = true;
  }

  resumeAs(args: readonly string[]): void {
    const odd = args.find((word) => !PLAIN_WORD.test(word));
    if (odd !== undefined) throw new Error(`Nothing that a shell would take as it is: ${odd}`);
    this.#tell(`resume ${args.join(" ")}`);
  }

  callerAgeMs(): number {
    return this.#caller.ageMs();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    const close = () => Object.values(this.#fds).forEach((fd) => fd?.close());
    // A thread that is about to write must not find somebody else's descriptor under that number.
    if (this.#giveUp.size === 0) close();
    else void Promise.allSettled(this.#giveUp.keys()).then(close);
  }

  #fd(stream: OutputName): OwnedFd | undefined {
    if (!(stream in this.#fds)) this.#fds[stream] = this.#caller.stream(stream);
    return this.#fds[stream];
  }

  /** One after the other, as the bytes of two must not mix. */
  #write(stream: OutputName, data: string | Uint8Array): Promise<void> {
    if (this.#leaves) return Promise.resolve();
    const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
    const written = this.#writing[stream].then(() => this.#writeAll(stream, bytes));
    this.#writing[stream] = written.catch(() => undefined);
    return written;
  }

  async #writeAll(stream: OutputName, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const fd = this.#isOver || this.#caller.gone.aborted ? undefined : this.#fd(stream)?.fd;
      if (fd === undefined) throw new OutputClosedError();
      const taken = await this.#take(fd, bytes.subarray(at));
      // Another process may have made the pipe non-blocking.
      if (taken === "again") await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      else at += taken;
    }
  }

  /** Bytes taken. @throws {OutputClosedError} also when the caller goes in between */
  #take(fd: number, bytes: Uint8Array): Promise<number | "again"> {
    const { promise, resolve, reject } = Promise.withResolvers<number | "again">();
    const writing = this.#pipes.writeAway(fd, bytes);
    this.#giveUp.set(writing, () => reject(new OutputClosedError()));
    writing.then(resolve, (thrown) => reject(failureOf(thrown)))
      .finally(() => this.#giveUp.delete(writing));
    return promise;
  }

  #size(stream: OutputName): WindowSize | undefined {
    const fd = this.#fd(stream)?.fd;
    try {
      return fd === undefined ? undefined : terminals.windowSize(fd);
    } catch (thrown) {
      if (thrown instanceof SysError) return undefined;
      throw thrown;
    }
  }
}

/** In the words of a process of its own. A terminal whose window was closed fails with EIO. */
function failureOf(thrown: unknown): unknown {
  if (isErrno(thrown, "EPIPE", "EIO")) return new OutputClosedError();
  if (!(thrown instanceof SysError)) return thrown;
  const { reason, errno } = thrown;
  return new Error(`${reason[0].toUpperCase()}${reason.slice(1)} (os error ${errno})`, { cause: thrown });
}
