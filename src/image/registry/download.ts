/**
 * @module
 * Downloads a blob as a stream that survives lost connections: it resumes with `Range` (RFC 9110, section 14). If a
 * server ignores or misinterprets ranges, the whole blob is requested, and bytes that were delivered already are
 * skipped. Only offsets are checked here: the reader verifies the digest.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { cancelQuietly, throwIfCancelled } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import { networkError, plainText } from "./errors.ts";
import { isTransient, pause, pauseMs, type RegistryLimits, retryAfterMs } from "./retry.ts";
import type { RegistryResponse } from "./transport.ts";

/** What to download, and how. */
export interface DownloadPlan {
  /** Names the blob in errors, such as `layer sha256:…`. */
  readonly what: string;
  /** Size of the whole blob according to its descriptor, in bytes. */
  readonly sizeBytes: number;
  /** Where to start, in bytes. */
  readonly offsetBytes: number;
  readonly limits: RegistryLimits;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Requests the blob with these headers. */
  readonly open: (headers: Record<string, string>, signal: AbortSignal) => Promise<RegistryResponse>;
  /** Makes the error for an unsuccessful status. */
  readonly refusal: (response: RegistryResponse) => Promise<TsdError>;
}

/** More bytes than this between two interruptions count as progress, which resets the count of failures. */
const PROGRESS_BYTES = 64 * 1024;

/** Starts a download; resolves after the server's first response. @throws {TsdError} */
export async function download(plan: DownloadPlan): Promise<ReadableStream<Uint8Array>> {
  const blob = new Download(plan);
  await blob.connect();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await blob.read();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => blob.cancel(reason),
  }, { highWaterMark: 0 });
}

class Download {
  readonly #plan: DownloadPlan;
  /** Offset of the next byte for the reader. */
  #at: number;
  /** Number of bytes of the current body before that offset. */
  #skip = 0;
  readonly #cancelled = new AbortController();
  readonly #signal: AbortSignal;
  #body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #host = "";
  #useRange = true;
  #failures = 0;
  #interruptedAt = -1;
  #endedAt = -1;

  constructor(plan: DownloadPlan) {
    this.#plan = plan;
    this.#at = plan.offsetBytes;
    this.#signal = plan.signal === undefined
      ? this.#cancelled.signal
      : AbortSignal.any([plan.signal, this.#cancelled.signal]);
  }

  /** Connects, with retries. */
  async connect(): Promise<void> {
    for (;;) {
      try {
        return await this.#connectOnce();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        const { value } = await this.#body!.read();
        if (value === undefined && this.#isEnd()) return undefined;
        if (value === undefined) throw lost("it ended too early");
        const fresh = this.#fresh(value);
        if (fresh.length > 0) return fresh;
      } catch (error) {
        throwIfCancelled(this.#signal);
        if (this.#skip === 0 && this.#at >= this.#plan.sizeBytes) return undefined; // The blob is complete.
        await this.#recover(
          error instanceof TsdError ? error : lost(plainText(error instanceof Error ? error.message : String(error))),
        );
        await this.connect();
      }
    }
  }

  async cancel(reason: unknown): Promise<void> {
    if (this.#body !== undefined) await cancelQuietly(this.#body, reason);
    this.#cancelled.abort();
  }

  #fresh(chunk: Uint8Array): Uint8Array {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#at += chunk.length - skipped;
    return chunk.subarray(skipped);
  }

  /** The reader judges a complete body, and one that ends twice at the same wrong offset. */
  #isEnd(): boolean {
    if (this.#skip === 0 && (this.#at >= this.#plan.sizeBytes || this.#endedAt === this.#at)) return true;
    this.#endedAt = this.#at;
    return false;
  }

  async #connectOnce(): Promise<void> {
    const ranged = this.#at > 0 && this.#useRange;
    const response = await this.#plan.open(ranged ? { range: `bytes=${this.#at}-` } : {}, this.#signal);
    this.#host = response.host;
    let usable: boolean;
    try {
      usable = await this.#accept(response, ranged);
    } catch (error) {
      await cancelQuietly(response.body, error);
      throw error;
    }
    if (usable) return;
    this.#useRange = false;
    await cancelQuietly(response.body, "not the range that was asked for");
    await this.#connectOnce();
  }

  /** Accepts the response's body, unless it is for another range. */
  async #accept(response: RegistryResponse, ranged: boolean): Promise<boolean> {
    const startsAt = this.#startOf(response, ranged);
    if (startsAt === undefined) return false;
    if (isTransient(response.status)) throw await this.#busy(response);
    if (response.status !== 200 && response.status !== 206) throw await this.#plan.refusal(response);
    this.#skip = this.#at - startsAt;
    this.#body = response.body.getReader();
    return true;
  }

  /** Returns the offset of the body; undefined if the response to a range request is unusable. */
  #startOf({ status, headers }: RegistryResponse, ranged: boolean): number | undefined {
    if (status === 416 && ranged) return undefined;
    if (status !== 206) {
      this.#checkAnnounced(status, headers);
      return 0;
    }
    const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range")?.trim() ?? "");
    const isThisBlob = match !== null && (match[2] === "*" || Number(match[2]) === this.#plan.sizeBytes);
    const startsAt = isThisBlob ? Number(match[1]) : NaN;
    if (ranged) return startsAt <= this.#at ? startsAt : undefined;
    if (startsAt !== 0) {
      throw new TsdError("registry_protocol", `${this.#failed()}: it sent a part that nobody asked for`);
    }
    return 0;
  }

  /** Rejects a whole body of another size before it is downloaded. */
  #checkAnnounced(status: number, headers: Headers): void {
    const announced = headers.get("content-length");
    const { what, sizeBytes } = this.#plan;
    if (status !== 200 || announced === null || headers.has("content-encoding")) return;
    if (Number(announced) === sizeBytes) return;
    throw new TsdError("size_mismatch", `Cannot accept ${what}: size is ${Number(announced)}, expected ${sizeBytes}`);
  }

  async #busy(response: RegistryResponse): Promise<Busy> {
    const waitMs = retryAfterMs(response.headers);
    return new Busy(await this.#plan.refusal(response), waitMs);
  }

  /** Waits before the next attempt. @throws the error, if it is final or there were too many attempts */
  async #recover(thrown: unknown): Promise<void> {
    const { limits, log, what } = this.#plan;
    throwIfCancelled(this.#signal);
    const busy = thrown instanceof Busy ? thrown : undefined;
    const error = busy?.error ?? networkError(this.#host, thrown);
    const isFinal = !isTsdError(error, "registry_unreachable", "timeout");
    if (this.#body === undefined && error.detail?.connected === false) throw error;
    if (this.#at - this.#interruptedAt > PROGRESS_BYTES) this.#failures = 0;
    this.#interruptedAt = this.#at;
    const waitMs = isFinal ? undefined : pauseMs(++this.#failures, limits, busy?.waitMs);
    if (waitMs === undefined) throw isFinal || this.#body === undefined ? error : this.#abandoned(error);
    log.info("going on with a download", { what, atBytes: this.#at, waitMs: Math.round(waitMs), why: error.message });
    if (this.#body !== undefined) await cancelQuietly(this.#body, error);
    await pause(waitMs, this.#signal);
  }

  #abandoned(error: TsdError): TsdError {
    const at = `${this.#at} of ${this.#plan.sizeBytes} bytes`;
    return new TsdError(error.code, `${this.#failed()} after ${at}, ${this.#failures} attempts: ${error.message}`, {
      cause: error,
    });
  }

  #failed(): string {
    return `Cannot download ${this.#plan.what} from ${this.#host}`;
  }
}

const lost = (why: string): TsdError => new TsdError("registry_unreachable", `the connection was lost (${why})`);

/** A response that asks to retry later; doesn't leave this module. */
class Busy extends Error {
  constructor(readonly error: TsdError, readonly waitMs: number) {
    super(error.message);
  }
}
