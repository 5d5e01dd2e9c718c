import type { OutputSinks } from "./frames.ts";

/** The input of a process: bytes as they come, or a whole text. */
export type ProcessInput = string | Uint8Array | AsyncIterable<Uint8Array>;

/** The standard streams of a process that the library runs. */
export interface ProcessIoOptions {
  /** Default: no input. */
  readonly stdin?: ProcessInput | undefined;
  /** Receives standard output as it comes, awaited before the next piece. Then the result has no `stdout`. */
  readonly onStdout?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** Receives standard error as it comes, awaited before the next piece. Then the result has no `stderr`. */
  readonly onStderr?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
}

/** Returns the input as pieces. */
export function inputPieces(stdin: ProcessInput): AsyncIterable<Uint8Array> {
  if (typeof stdin !== "string" && !(stdin instanceof Uint8Array)) return stdin;
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  return (async function* () {
    if (bytes.length > 0) yield await Promise.resolve(bytes);
  })();
}

/** Collects output as text, or passes it to the callbacks. */
export class OutputCollector implements OutputSinks {
  readonly #options: ProcessIoOptions;
  readonly #texts = { stdout: new TextCollector(), stderr: new TextCollector() };

  constructor(options: ProcessIoOptions) {
    this.#options = options;
  }

  async stdout(bytes: Uint8Array): Promise<void> {
    const { onStdout } = this.#options;
    if (onStdout === undefined) this.#texts.stdout.add(bytes);
    else await onStdout(bytes);
  }

  async stderr(bytes: Uint8Array): Promise<void> {
    const { onStderr } = this.#options;
    if (onStderr === undefined) this.#texts.stderr.add(bytes);
    else await onStderr(bytes);
  }

  /** Returns the collected text. Bytes that aren't UTF-8 are replaced. */
  texts(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#texts.stdout.end(), stderr: this.#texts.stderr.end() };
  }
}

class TextCollector {
  readonly #decoder = new TextDecoder();
  #text = "";

  add(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
  }

  end(): string {
    return this.#text + this.#decoder.decode();
  }
}
