/** The standard streams of a process. */
export type StdStream = "stdin" | "stdout" | "stderr";

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Everything of the outside that a command may touch: standard streams, environment and signals. */
export interface Terminal {
  /** Standard input; nothing is read before the first read. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Writes all of it to standard output. @throws {OutputClosedError} when nobody reads any more */
  out(data: string | Uint8Array): Promise<void>;
  /** The same for standard error. */
  err(data: string | Uint8Array): Promise<void>;
  isTty(stream: StdStream): boolean;
  env(name: string): string | undefined;
  /** Undefined when standard output is no terminal. */
  size(): TerminalSize | undefined;
  /** Passes keys on as they are pressed, Ctrl-C included. */
  setRaw(on: boolean): void;
  /** Handles signals instead of dying of them, until disposed. */
  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable;
}

/** Whoever read our output has gone (`tsd ps | head -1`): no failure worth a word. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";

  constructor() {
    super("The output was closed");
  }
}

/** Exit code of a process whose output was closed: that of death by SIGPIPE. */
export const OUTPUT_CLOSED_EXIT = 128 + 13;
