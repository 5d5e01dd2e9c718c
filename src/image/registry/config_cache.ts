/**
 * @module
 * Lets concurrent pulls of one image, and those soon after one another, fetch its config once. Callers share the
 * request, which is cancelled when the last of them has left. Results are verified, and small ones are cached.
 */
import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import type { Digest } from "../digest.ts";
import type { Descriptor } from "../manifest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Fetches and verifies a config. */
export type FetchConfig = (signal: AbortSignal) => Promise<Bytes>;

interface SharedRequest {
  readonly fetched: Promise<Bytes>;
  readonly abandoned: AbortController;
  waiting: number;
}

const CACHE_MAX_COUNT = 32;
const CACHE_MAX_ENTRY_BYTES = 64 * 1024;

/** A cache of image configs that also shares requests in progress. */
export class ConfigCache {
  readonly #cache = new Map<Digest, Bytes>();
  readonly #requests = new Map<string, SharedRequest>();

  /**
   * Returns the config, calling `fetch` if it isn't cached. The bytes are shared by all callers: don't modify them.
   * @param source where `fetch` gets it from: only callers with the same source share a request
   * @throws {TsdError} cancelled, and what `fetch` throws
   */
  async get(
    source: string,
    { digest, sizeBytes }: Pick<Descriptor, "digest" | "sizeBytes">,
    fetch: FetchConfig,
    signal?: AbortSignal,
  ): Promise<Bytes> {
    throwIfCancelled(signal);
    const cached = this.#cache.get(digest);
    if (cached?.length === sizeBytes) return cached;
    // Callers with different expected sizes must not share a request: one of them is going to fail.
    const key = `${source}@${digest} ${sizeBytes}`;
    const shared = this.#requests.get(key) ?? this.#start(key, digest, fetch);
    shared.waiting++;
    try {
      return await untilCancelled(shared.fetched, signal);
    } finally {
      shared.waiting--;
      if (shared.waiting === 0) this.#end(key, shared);
    }
  }

  #start(key: string, digest: Digest, fetch: FetchConfig): SharedRequest {
    const abandoned = new AbortController();
    const shared: SharedRequest = { fetched: fetch(abandoned.signal), abandoned, waiting: 0 };
    this.#requests.set(key, shared);
    shared.fetched.then((bytes) => this.#store(digest, bytes), () => undefined);
    return shared;
  }

  /** Also cancels a request that no caller waits for any more. */
  #end(key: string, shared: SharedRequest): void {
    if (this.#requests.get(key) === shared) this.#requests.delete(key);
    shared.abandoned.abort();
  }

  #store(digest: Digest, bytes: Bytes): void {
    if (bytes.length > CACHE_MAX_ENTRY_BYTES) return;
    const oldest = this.#cache.keys().next();
    if (this.#cache.size >= CACHE_MAX_COUNT && !oldest.done) this.#cache.delete(oldest.value);
    this.#cache.set(digest, bytes);
  }
}
