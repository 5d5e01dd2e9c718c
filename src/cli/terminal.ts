/** The standard streams of a process. */
export type StdStream = "stdin" | "stdout" | "stderr";

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A command's access to its environment: standard streams, environment variables, working directory and signals. */
export interface Terminal {
  /** Standard input; no data is consumed before the first read. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Writes all data to standard output. @throws {OutputClosedError} if the reader closed it */
  out(data: string | Uint8Array): Promise<void>;
  /** Writes all data to standard error. @throws {OutputClosedError} if the reader closed it */
  err(data: string | Uint8Array): Promise<void>;
  isTty(stream: StdStream): boolean;
  env(name: string): string | undefined;
  /** Returns the terminal's size; undefined if standard output is not a terminal. */
  size(): TerminalSize | undefined;
  /** Turns raw mode on: keys are passed through, Ctrl-C included, and so is output. Off restores the previous modes. */
  setRaw(on: boolean): void;
  /** Handles signals in place of their default action, until disposed. */
  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable;
  /** Returns the working directory, to which relative paths are resolved. */
  cwd(): string;
  /** The host that runs the command, if the client's own process does not. */
  readonly host?: CommandHost;
}

/** A process that runs commands for client processes, which wait for the result: the command server. */
export interface CommandHost {
  /** Hands the command back to the client's own process. Call it before any effect or output. @throws {NeedsProcessError} */
  needProcess(): never;
  /** Declares the signals that the command will handle. @throws {NeedsProcessError} if the client's process ignores one of them */
  needSignals(signals: readonly Deno.Signal[]): void;
  /** Sets the arguments with which the client resumes the command if the host goes away while it runs. */
  resumeAs(args: readonly string[]): void;
  /** Returns the age of the client's process in ms. */
  clientAgeMs(): number;
}

/** Thrown if the client's own process must run the command instead of the host. Not a failure: nothing is printed. */
export class NeedsProcessError extends Error {
  override readonly name = "NeedsProcessError";

  constructor() {
    super("This takes a process of its own");
  }
}

/** Thrown if the reader of standard output closed it (`tsd ps | head -1`). Ends the program without a message. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";

  constructor() {
    super("The output was closed");
  }
}

/** Thrown at a signal that ends the program, after the terminal was restored. Ends the program without a message. */
export class SignalledError extends Error {
  override readonly name = "SignalledError";

  constructor(readonly signal: EndingSignal) {
    super(`Ended by ${signal}`);
  }

  /** 128 plus the signal's number, as shells report a process killed by a signal. */
  get exitCode(): number {
    return 128 + ENDING_SIGNALS[this.signal];
  }
}

/** Signals whose default action ends a program, with their numbers. */
export const ENDING_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
export type EndingSignal = keyof typeof ENDING_SIGNALS;

/** The exit code of a process whose output was closed: 128 plus SIGPIPE. */
export const OUTPUT_CLOSED_EXIT = 128 + 13;
