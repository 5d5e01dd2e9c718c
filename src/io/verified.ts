/**
 * @module
 * Streams that hash what passes. `verified` is the gate that remote bytes come through: nobody sees the end of a stream
 * whose size or digest is wrong (OCI image-spec v1.1, descriptor.md, "Verification").
 */
import { TsdError } from "../errors.ts";
import { createSha256, type Hasher } from "../hash/mod.ts";
import { inspected } from "./streams.ts";

/** What a stream must turn out to be. */
export interface Expectation {
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly digestHex: string;
  /** What this is, for the error: `layer sha256:…`. */
  readonly what: string;
  readonly createHasher?: (() => Promise<Hasher>) | undefined;
}

/** The same bytes, put into `hasher` on their way; the caller takes the digest when the stream has ended. */
export function hashed(source: ReadableStream<Uint8Array>, hasher: Hasher): ReadableStream<Uint8Array> {
  return inspected(source, { chunk: (bytes) => hasher.update(bytes) });
}

/**
 * The same bytes; reading fails instead of ending when they are not exactly what was expected, and stops at
 * `sizeBytes` + 1 bytes. What was read before the end is not to be trusted yet. The source is read up to its own end.
 * The stream errors with {@link TsdError} size_mismatch or digest_mismatch.
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
