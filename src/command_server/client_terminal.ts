import { type CommandHost, NeedsProcessError, type StdStream, type Terminal, type TerminalSize } from "../cli/mod.ts";
import type { ShellClient } from "./shell_client.ts";
import type { ClientOutput } from "./client_output.ts";

const ENCODER = new TextEncoder();
type OutputName = "stdout" | "stderr";
/** Words that the client's shell takes literally, for the command line that resumes a command. */
const PLAIN_WORD = /^[\w=.-]+$/;

/** Sends a line to the client's shell, beside its output. */
export type Notify = (line: string) => void;

/** The part of an output that a terminal uses. */
export type Output = Pick<ClientOutput, "write" | "size">;

/** The part of a client that a terminal uses. */
export type ClientInfo = Pick<ShellClient, "cwd" | "env" | "ignores" | "ageMs"> & {
  readonly outputs: Readonly<Record<OutputName, Output>>;
};

/** Terminal and host of a served command: its client's streams, environment and signals. */
export class ClientTerminal implements Terminal, CommandHost {
  readonly host = this;
  readonly #client: ClientInfo;
  readonly #notify: Notify;
  readonly #handlers = new Map<Deno.Signal, (signal: Deno.Signal) => void>();
  #leaves = false;

  constructor(client: ClientInfo, notify: Notify) {
    this.#client = client;
    this.#notify = notify;
  }

  /** Whether the command is left to the client's own process. Further output is discarded then. */
  get leaves(): boolean {
    return this.#leaves;
  }

  /** Whether the command handles signals at this time. */
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
    this.#notify(`catch ${signals.map((signal) => signal.replace(/^SIG/, "")).join(" ")}`);
    return {
      [Symbol.dispose]: () => {
        for (const signal of signals) this.#handlers.delete(signal);
      },
    };
  }

  /** Called when the client received a signal that it was told to catch. */
  signalled(signal: Deno.Signal): void {
    this.#handlers.get(signal)?.(signal);
  }

  needProcess(): never {
    this.leave();
    throw new NeedsProcessError();
  }

  needSignals(signals: readonly Deno.Signal[]): void {
    // Bash and busybox ignore SIGQUIT themselves, but can catch it.
    if (this.#client.ignores(signals.filter((signal) => signal !== "SIGQUIT"))) this.needProcess();
  }

  /** Leaves the command to the client's process; see {@link leaves}. */
  leave(): void {
    this.#leaves = true;
  }

  resumeAs(args: readonly string[]): void {
    const unsafe = args.find((word) => !PLAIN_WORD.test(word));
    if (unsafe !== undefined) throw new Error(`Nothing that a shell would take as it is: ${unsafe}`);
    this.#notify(`resume ${args.join(" ")}`);
  }

  clientAgeMs(): number {
    return this.#client.ageMs();
  }

  #write(stream: OutputName, data: string | Uint8Array): Promise<void> {
    if (this.#leaves) return Promise.resolve();
    return this.#client.outputs[stream].write(typeof data === "string" ? ENCODER.encode(data) : data);
  }
}
