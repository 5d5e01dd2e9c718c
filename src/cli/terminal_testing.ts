import { OutputClosedError, type StdStream, type Terminal, type TerminalSize } from "./terminal.ts";

/** A terminal for tests that records output, supplies fixed input and delivers signals on {@link raise}. */
export class FakeTerminal implements Terminal {
  readonly stdin: ReadableStream<Uint8Array>;
  /** The number of bytes after which standard output behaves as a closed pipe. */
  closedAfterBytes = Infinity;
  raw = false;
  readonly #env: Readonly<Record<string, string>>;
  readonly #ttys: readonly StdStream[];
  readonly #handlers = new Map<Deno.Signal, (signal: Deno.Signal) => void>();
  readonly #written = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };

  constructor(options: {
    stdin?: string | ReadableStream<Uint8Array>;
    env?: Readonly<Record<string, string>>;
    ttys?: readonly StdStream[];
  } = {}) {
    const { stdin = "", env = {}, ttys = [] } = options;
    this.stdin = typeof stdin === "string"
      ? ReadableStream.from(stdin === "" ? [] : [new TextEncoder().encode(stdin)])
      : stdin;
    this.#env = env;
    this.#ttys = ttys;
  }

  get stdout(): string {
    return text(this.#written.stdout);
  }

  get stderr(): string {
    return text(this.#written.stderr);
  }

  /** Signals that have a handler. */
  get handled(): Deno.Signal[] {
    return [...this.#handlers.keys()];
  }

  raise(signal: Deno.Signal): void {
    this.#handlers.get(signal)?.(signal);
  }

  out(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
    if (this.stdout.length + bytes.length > this.closedAfterBytes) return Promise.reject(new OutputClosedError());
    this.#written.stdout.push(bytes);
    return Promise.resolve();
  }

  err(data: string | Uint8Array): Promise<void> {
    this.#written.stderr.push(typeof data === "string" ? new TextEncoder().encode(data) : data.slice());
    return Promise.resolve();
  }

  isTty(stream: StdStream): boolean {
    return this.#ttys.includes(stream);
  }

  env(name: string): string | undefined {
    return this.#env[name];
  }

  cwd(): string {
    return "/";
  }

  size(): TerminalSize | undefined {
    return this.isTty("stdout") ? { rows: 24, columns: 80 } : undefined;
  }

  setRaw(on: boolean): void {
    this.raw = on;
  }

  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable {
    for (const signal of signals) this.#handlers.set(signal, handler);
    return {
      [Symbol.dispose]: () => {
        for (const signal of signals) this.#handlers.delete(signal);
      },
    };
  }
}

function text(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}
