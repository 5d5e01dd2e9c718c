/**
 * @module
 * What is to be written to a plugin's process. To wake a process costs more than what it does then: what a plugin is only told
 * waits a moment for more, so that the life of a short container wakes it once, when nobody waits for the container any more.
 */
import { concatenated } from "../../io/mod.ts";

/** How long it may wait, in ms. */
export const TIMEOUT_MS = 25;

/** See the module's comment. Everything goes in the order in which it came. */
export class Outbox {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #waiting: Uint8Array[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** At once, with all that waits. Resolves when it was taken. */
  send(frame: Uint8Array): Promise<void> {
    this.#waiting.push(frame);
    return this.#flush();
  }

  /** Within {@link TIMEOUT_MS}. */
  sendLater(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#timer ??= setTimeout(() => void this.#flush(), TIMEOUT_MS);
  }

  /** Nothing of what waits is written. */
  close(): void {
    this.#waiting = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): Promise<void> {
    const frames = this.#waiting;
    this.close();
    return this.#write(concatenated(frames));
  }
}
