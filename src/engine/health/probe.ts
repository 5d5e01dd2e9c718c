/**
 * @module
 * One probe of a container, as the monitor sees it, and its output, of which only the beginning is kept.
 */

/** How a probe ended. 0 is healthy; anything else is a failure. */
export interface ProbeResult {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Runs the probe's command once. It calls `started` when the command runs, from when on its time counts. When `signal`
 * aborts it kills the command and still settles, with the output until then.
 */
export type Probe = (signal: AbortSignal, started: () => void) => Promise<ProbeResult>;

/** As much of an output as Docker keeps. */
export const MAX_OUTPUT_BYTES = 4096;

/** Collects the first bytes of an output. */
export class LimitedOutput {
  readonly #bytes = new Uint8Array(MAX_OUTPUT_BYTES);
  #length = 0;
  #isCut = false;

  write(bytes: Uint8Array): void {
    const part = bytes.subarray(0, MAX_OUTPUT_BYTES - this.#length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
    if (part.length < bytes.length) this.#isCut = true;
  }

  /** With dots where something is missing; bytes that aren't UTF-8 are replaced. */
  get text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length)) + (this.#isCut ? "..." : "");
  }
}
