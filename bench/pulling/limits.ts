/** The machine's limits for a pull: inflating an image's layers, and writing as many bytes. */
import { join } from "node:path";
import type { Command } from "../peers/peer.ts";
import { privateDir } from "../peers/host_traces.ts";
import { programPath } from "../peers/programs.ts";
import { exec } from "../measuring/exec.ts";
import type { Turn } from "../measuring/rounds.ts";
import { execConcurrently } from "../measuring/timed_commands.ts";
import type { PullImage, PullImageName } from "./images.ts";
import { sync } from "./page_cache.ts";
import { pullRow } from "./turns.ts";

/** Columns of the table. */
export const INFLATE = "inflate";
export const WRITE = "write";

const AT_ONCE = 2;
const BLOCK_BYTES = 1 << 20;
/** Limit of one call of `crypto.getRandomValues`. */
const RANDOM_BYTES = 1 << 16;

/** Measures the system's gzip (or zstd) on the layers, two at a time, from the page cache. */
export function inflateTurn(name: PullImageName, { layerPaths }: PullImage): Turn {
  const program = programPath(name === "zstd" ? "zstd" : "gzip");
  const commands = layerPaths.map((path): Command => ({ program, args: ["-dc", path], env: {} }));
  return {
    peer: INFLATE,
    async take() {
      for (const path of layerPaths) await readThrough(path);
      return [{ row: pullRow(name), unit: "ms", value: await execConcurrently({ commands, atOnce: AT_ONCE }, exec) }];
    },
  };
}

/** Measures writing one file sequentially, with fsync. */
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
  const startedMs = performance.now();
  using file = await Deno.create(path);
  for (let left = sizeBytes; left > 0;) left -= await file.write(block.subarray(0, Math.min(left, BLOCK_BYTES)));
  await file.sync();
  return performance.now() - startedMs;
}

async function readThrough(path: string): Promise<void> {
  using file = await Deno.open(path);
  const block = new Uint8Array(BLOCK_BYTES);
  while (await file.read(block) !== null);
}
