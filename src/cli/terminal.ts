/** The standard streams of a process. */
export type StdStream = "stdin" | "stdout" | "stderr";

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Everything of the outside that a command may touch: standard streams, environment, working folder and signals. */
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
  /** Passes keys on as they are pressed, Ctrl-C included, and output as it is; off gives back what was there before. */
  setRaw(on: boolean): void;
  /** Handles signals instead of dying of them, until disposed. */
  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable;
  /** The folder that relative paths begin at. */
  cwd(): string;
  /** Who does the command, where that is no process of its own. */
  readonly host?: CommandHost;
}

/** Somebody who does commands for processes that wait meanwhile. */
export interface CommandHost {
  /** For what takes a process of the command's own, before anything was done or said. @throws {NeedsProcessError} */
  needProcess(): never;
  /** For a command that is going to handle these. @throws {NeedsProcessError} where the process that waits doesn't get them */
  needSignals(signals: readonly Deno.Signal[]): void;
  /** The arguments that go on with what was begun, should the host go away in between. */
  resumeAs(args: readonly string[]): void;
  /** How long ago the process that waits was started, in ms. */
  clientAgeMs(): number;
}

/** The command is done again, by a process of its own: no failure at all. */
export class NeedsProcessError extends Error {
  override readonly name = "NeedsProcessError";

  constructor() {
    super("This takes a process of its own");
  }
}

/** Whoever read our output has gone (`tsd ps | head -1`): no failure worth a word. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";

  constructor() {
    super("The output was closed");
  }
}

/** A signal that ends the program, once it has put the terminal in order: no failure worth a word either. */
export class SignalledError extends Error {
  override readonly name = "SignalledError";

  constructor(readonly signal: EndingSignal) {
    super(`Ended by ${signal}`);
  }

  /** As a shell tells of a process that died of it. */
  get exitCode(): number {
    return 128 + ENDING_SIGNALS[this.signal];
  }
}

/** Signals of which a program dies that doesn't handle them, and their numbers. */
export const ENDING_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
export type EndingSignal = keyof typeof ENDING_SIGNALS;

/** Exit code of a process whose output was closed: that of death by SIGPIPE. */
export const OUTPUT_CLOSED_EXIT = 128 + 13;
