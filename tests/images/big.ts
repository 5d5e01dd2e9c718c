/** Large, reproducible images for load tests and benchmarks. */
import { type Image, ImageBuilder } from "./image_builder.ts";
import type { Compression } from "./content.ts";
import { readOciLayout, writeOciLayout } from "./oci_layout.ts";
import { dir, file, type TarEntry } from "./tar_entries.ts";
import { cached, removeTree } from "./test_cache.ts";

export interface BigImageOptions {
  readonly layers: number;
  /** The sum of a layer's file sizes, uncompressed. */
  readonly bytesPerLayer: number;
  readonly filesPerLayer: number;
  readonly compression?: Compression;
}

const BLOCK_BYTES = 1024 * 1024;
const FILES_PER_DIR = 100;

/** Builds the image, about half of which is compressible. Its blobs are files of the test cache. */
export async function bigImage(options: BigImageOptions): Promise<Image> {
  const { layers, bytesPerLayer, filesPerLayer, compression = "gzip" } = options;
  const name = `big-${layers}x${bytesPerLayer}in${filesPerLayer}-${compression}`;
  const directory = await cached(name, async (making) => {
    const builder = new ImageBuilder({ dir: `${making}/blobs` }).config({ Cmd: ["true"] });
    for (let layer = 0; layer < layers; layer++) builder.layer(bigEntries(layer, options), { compression });
    await writeOciLayout(`${making}/layout`, await builder.build());
    await removeTree(`${making}/blobs`);
  });
  return await readOciLayout(`${directory}/layout`);
}

function* bigEntries(layer: number, { bytesPerLayer, filesPerLayer }: BigImageOptions): Iterable<TarEntry> {
  const block = halfRandomBlock(layer + 1);
  const sizeBytes = Math.floor(bytesPerLayer / filesPerLayer);
  yield dir(`layer${layer}`);
  for (let index = 0; index < filesPerLayer; index++) {
    const directory = `layer${layer}/${Math.floor(index / FILES_PER_DIR)}`;
    if (index % FILES_PER_DIR === 0) yield dir(directory);
    yield file(`${directory}/${index}`, { sizeBytes, chunks: () => rotated(block, index * sizeBytes, sizeBytes) });
  }
}

/** Yields `sizeBytes` bytes of the block from `start` on, wrapping around at its end. */
function* rotated(block: Uint8Array, start: number, sizeBytes: number): Iterable<Uint8Array> {
  let at = start % block.length;
  for (let left = sizeBytes; left > 0;) {
    const part = block.subarray(at, Math.min(block.length, at + left));
    yield part;
    left -= part.length;
    at = 0;
  }
}

/** xorshift32; every second run of 256 bytes is repetitive text. */
function halfRandomBlock(seed: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  let state = seed * 2654435761 >>> 0;
  for (let at = 0; at < block.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block[at] = (at & 256) === 0 ? state & 0xff : 97 + at % 26;
  }
  return block;
}
