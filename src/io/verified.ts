/**
 * @module
 * Streams that hash the bytes that pass. `verified` is the gate for remote bytes: a stream with the wrong size or
 * digest errors instead of ending (OCI image-spec v1.1, descriptor.md, "Verification").
 */
import { TsdError } from "../errors.ts";
import { createSha256, type Hasher } from "../hash/mod.ts";
import { inspected } from "./streams.ts";

/** Expected properties of a stream. */
export interface Expectation {
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly digestHex: string;
  /** Name of the data for error messages: `layer sha256:…`. */
  readonly what: string;
  readonly createHasher?: (() => Promise<Hasher>) | undefined;
}

/** Returns the same bytes and updates `hasher` with them; the caller takes the digest after the stream has ended. */
export function hashed(source: ReadableStream<Uint8Array>, hasher: Hasher): ReadableStream<Uint8Array> {
  return inspected(source, { chunk: (bytes) => hasher.update(bytes) });
}

/**
 * Returns the same bytes; the stream errors instead of ending if size or digest differ from `expected`, and reads at
 * most `sizeBytes` + 1 bytes. Don't trust bytes read before the end. The source is read to its end. The stream errors
 * with {@link TsdError} size_mismatch or digest_mismatch.
 */
export function verified(source: ReadableStream<Uint8Array>, expected: Expectation): ReadableStream<Uint8Array> {
  let hasher: Hasher;
  let sizeBytes = 0;
  return inspected(source, {
    async begin() {
      hasher = await (expected.createHasher ?? createSha256)();
    },
    chunk(bytes) {
      sizeBytes += bytes.length;
      if (sizeBytes > expected.sizeBytes) throw sizeMismatch(expected, `more than ${expected.sizeBytes}`);
      hasher.update(bytes);
    },
    end() {
      if (sizeBytes !== expected.sizeBytes) throw sizeMismatch(expected, String(sizeBytes));
      const digestHex = hasher.digestHex();
      if (digestHex !== expected.digestHex) throw digestMismatch(expected, digestHex);
    },
  });
}

function sizeMismatch({ what, sizeBytes }: Expectation, found: string): TsdError {
  return new TsdError("size_mismatch", `Cannot accept ${what}: size is ${found}, expected ${sizeBytes}`);
}

function digestMismatch({ what, digestHex }: Expectation, found: string): TsdError {
  return new TsdError(
    "digest_mismatch",
    `Cannot accept ${what}: digest is sha256:${found}, expected sha256:${digestHex}`,
  );
}
