import { type CommandHost, NeedsProcessError, type StdStream, type Terminal, type TerminalSize } from "../cli/mod.ts";
import type { ShellClient } from "./shell_client.ts";
import type { ClientOutput } from "./client_output.ts";

const ENCODER = new TextEncoder();
type OutputName = "stdout" | "stderr";
/** What the caller's command line may contain that goes on with a command. */
const PLAIN_WORD = /^[\w=.-]+$/;

/** What a terminal tells the caller, beside what it writes. */
export type Notify = (line: string) => void;

/** What a terminal needs of an output. */
export type Output = Pick<ClientOutput, "write" | "size">;

/** What it needs of a caller. */
export type ClientInfo = Pick<ShellClient, "cwd" | "env" | "ignores" | "ageMs"> & {
  readonly outputs: Readonly<Record<OutputName, Output>>;
};

/** The outside of a command that the engine does: its caller's streams, environment and signals. */
export class ClientTerminal implements Terminal, CommandHost {
  readonly host = this;
  readonly #client: ClientInfo;
  readonly #tell: Notify;
  readonly #handlers = new Map<Deno.Signal, (signal: Deno.Signal) => void>();
  #leaves = false;

  constructor(client: ClientInfo, tell: Notify) {
    this.#client = client;
    this.#tell = tell;
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
    return stream === "stdin" ? this.needProcess() : this.#client.outputs[stream].size !== undefined;
  }

  env(name: string): string | undefined {
    return this.#client.env(name);
  }

  cwd(): string {
    return this.#client.cwd;
  }

  size(): TerminalSize | undefined {
    return this.#client.outputs.stdout.size;
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
    if (this.#client.ignores(signals.filter((signal) => signal !== "SIGQUIT"))) this.needProcess();
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

  clientAgeMs(): number {
    return this.#client.ageMs();
  }

  #write(stream: OutputName, data: string | Uint8Array): Promise<void> {
    if (this.#leaves) return Promise.resolve();
    return this.#client.outputs[stream].write(typeof data === "string" ? ENCODER.encode(data) : data);
  }
}
