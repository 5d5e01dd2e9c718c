/** What the machine can do at best with an image's layers, beside the pulls: inflate them, and write them. */
import { join } from "node:path";
import type { Command } from "../peers/peer.ts";
import { privateDir } from "../peers/host_traces.ts";
import { programPath } from "../peers/programs.ts";
import { perform } from "../measuring/exec.ts";
import type { Turn } from "../measuring/rounds.ts";
import { performCrowd } from "../measuring/timed_commands.ts";
import type { PullImage, PullImageName } from "./images.ts";
import { sync } from "./page_cache.ts";
import { pullRow } from "./turns.ts";

/** Their columns of the table. */
export const INFLATE = "inflate";
export const WRITE = "write";

const AT_ONCE = 2;
const BLOCK_BYTES = 1 << 20;
/** As much as `crypto.getRandomValues` gives at once. */
const RANDOM_BYTES = 1 << 16;

/** The system's gzip (or zstd), two at a time, of layers that are in the page cache. */
export function inflateTurn(name: PullImageName, { layerPaths }: PullImage): Turn {
  const program = programPath(name === "zstd" ? "zstd" : "gzip");
  const commands = layerPaths.map((path): Command => ({ program, args: ["-dc", path], env: {} }));
  return {
    peer: INFLATE,
    async take() {
      for (const path of layerPaths) await readThrough(path);
      return [{ row: pullRow(name), unit: "ms", value: await performCrowd({ commands, atOnce: AT_ONCE }, perform) }];
    },
  };
}

/** One file, written from its first byte to its last, and fsync. */
export function writeTurn(name: PullImageName, { info }: PullImage): Turn {
  return {
    peer: WRITE,
    async take() {
      await using undo = new AsyncDisposableStack();
      const path = join(await privateDir("write", undo), "file");
      await sync();
      return [{ row: pullRow(name), unit: "ms", value: await writeMs(path, info.tarBytes) }];
    },
  };
}

async function writeMs(path: string, sizeBytes: number): Promise<number> {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let at = 0; at < BLOCK_BYTES; at += RANDOM_BYTES) crypto.getRandomValues(block.subarray(at, at + RANDOM_BYTES));
  const beganMs = performance.now();
  using file = await Deno.create(path);
  for (let left = sizeBytes; left > 0;) left -= await file.write(block.subarray(0, Math.min(left, BLOCK_BYTES)));
  await file.sync();
  return performance.now() - beganMs;
}

async function readThrough(path: string): Promise<void> {
  using file = await Deno.open(path);
  const block = new Uint8Array(BLOCK_BYTES);
  while (await file.read(block) !== null);
}
