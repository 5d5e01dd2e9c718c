/** A plugin's storage inside the plugin's process. The engine stores the values. */
import type { FromHost, StorageAction, ToHost } from "./messages.ts";

/**
 * Storage with JSON values. A call fails if the engine refuses it: a key or value is too long, or there are too many.
 */
export class RemoteStorage {
  readonly #send: (message: FromHost) => void;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(send: (message: FromHost) => void) {
    this.#send = send;
  }

  /** Returns a key's value, or undefined. */
  get = (key: string): Promise<unknown> => this.#ask("get", key);

  async set(key: string, value: unknown): Promise<void> {
    await this.#ask("set", key, value);
  }

  async delete(key: string): Promise<void> {
    await this.#ask("delete", key);
  }

  /** Returns all keys that begin with `prefix`, sorted. */
  async list(prefix = ""): Promise<string[]> {
    return await this.#ask("list", prefix) as string[];
  }

  /** Handles the engine's reply. */
  answered({ id, value, error }: ToHost & { kind: "stored" }): void {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }

  #ask(action: StorageAction, key: string, value?: unknown): Promise<unknown> {
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<unknown>();
    this.#pending.set(id, waiting);
    this.#send({ kind: "storage", id, action, key: String(key), value });
    return waiting.promise;
  }
}
