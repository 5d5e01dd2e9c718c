/** A plugin's storage as the plugin sees it: the engine keeps the values. */
import type { FromHost, StorageAction, ToHost } from "./messages.ts";

/** Values are JSON. Every call fails when the engine refuses it: a key or a value too long, too many of them. */
export class RemoteStorage {
  readonly #send: (message: FromHost) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(send: (message: FromHost) => void) {
    this.#send = send;
  }

  /** The value of a key, or undefined. */
  get = (key: string): Promise<unknown> => this.#ask("get", key);

  async set(key: string, value: unknown): Promise<void> {
    await this.#ask("set", key, value);
  }

  async delete(key: string): Promise<void> {
    await this.#ask("delete", key);
  }

  /** All keys that begin with `prefix`, sorted. */
  async list(prefix = ""): Promise<string[]> {
    return await this.#ask("list", prefix) as string[];
  }

  /** The engine's answer. */
  answered({ id, value, error }: ToHost & { kind: "stored" }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }

  #ask(action: StorageAction, key: string, value?: unknown): Promise<unknown> {
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#send({ kind: "storage", id, action, key: String(key), value });
    return waiting.promise;
  }
}
