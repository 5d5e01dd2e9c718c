/**
 * @module
 * Pulls of one image at once, or soon after one another, ask for its config once. Callers share the request; it ends when
 * the last of them has left. What has come is checked already, and kept for a while as long as it is small.
 */
import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import type { Digest } from "../digest.ts";
import type { Descriptor } from "../manifest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Fetches and checks a config. */
export type FetchConfig = (signal: AbortSignal) => Promise<Bytes>;

interface Sharing {
  readonly fetched: Promise<Bytes>;
  readonly left: AbortController;
  waiting: number;
}

const KEPT_COUNT = 32;
const KEPT_MAX_BYTES = 64 * 1024;

/** See the module's comment. */
export class ConfigCache {
  readonly #kept = new Map<Digest, Bytes>();
  readonly #sharings = new Map<string, Sharing>();

  /**
   * The config, from `fetch` when it isn't here. The bytes belong to all callers.
   * @param source where `fetch` looks: requests are shared by callers with the same one only
   * @throws {TsdError} cancelled, and what `fetch` throws
   */
  async get(
    source: string,
    { digest, sizeBytes }: Pick<Descriptor, "digest" | "sizeBytes">,
    fetch: FetchConfig,
    signal?: AbortSignal,
  ): Promise<Bytes> {
    throwIfCancelled(signal);
    const kept = this.#kept.get(digest);
    if (kept?.length === sizeBytes) return kept;
    // Who was told another size must not share: one of the two will fail.
    const key = `${source}@${digest} ${sizeBytes}`;
    const sharing = this.#sharings.get(key) ?? this.#begin(key, digest, fetch);
    sharing.waiting++;
    try {
      return await untilCancelled(sharing.fetched, signal);
    } finally {
      sharing.waiting--;
      if (sharing.waiting === 0) this.#end(key, sharing);
    }
  }

  #begin(key: string, digest: Digest, fetch: FetchConfig): Sharing {
    const left = new AbortController();
    const sharing: Sharing = { fetched: fetch(left.signal), left, waiting: 0 };
    this.#sharings.set(key, sharing);
    sharing.fetched.then((bytes) => this.#keep(digest, bytes), () => undefined);
    return sharing;
  }

  /** Also ends a request that nobody waits for any more. */
  #end(key: string, sharing: Sharing): void {
    if (this.#sharings.get(key) === sharing) this.#sharings.delete(key);
    sharing.left.abort();
  }

  #keep(digest: Digest, bytes: Bytes): void {
    if (bytes.length > KEPT_MAX_BYTES) return;
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= KEPT_COUNT && !oldest.done) this.#kept.delete(oldest.value);
    this.#kept.set(digest, bytes);
  }
}
