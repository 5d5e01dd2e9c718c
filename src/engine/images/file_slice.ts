/** Reads a byte range of a file as a stream. */
import { TsdError } from "../../errors.ts";
import type { FileSlice } from "./ingest_protocol.ts";

const READ_BYTES = 256 << 10;

/** Returns a stream of the slice; each chunk has a separate buffer. The stream errors if the file ends too early. */
export function readSlice(slice: FileSlice): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunksOf(slice));
}

async function* chunksOf({ path, offset, sizeBytes }: FileSlice): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let remaining = sizeBytes; remaining > 0;) {
    const chunk = new Uint8Array(Math.min(remaining, READ_BYTES));
    const count = await file.read(chunk);
    if (count === null) throw new TsdError("storage", `Cannot read ${path}: it ends ${remaining} bytes too early`);
    remaining -= count;
    yield chunk.subarray(0, count);
  }
}
