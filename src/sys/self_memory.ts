/** Releases memory of this process to the kernel that can be paged in again on demand. */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";
import { readProcFile } from "./process_info.ts";

/** madvise(2): drops the pages; the next access reads them from the file again, which is in the page cache. */
const MADV_DONTNEED = 4;

/** A mapping in `/proc/PID/smaps` (proc_pid_smaps(5)). */
export interface Mapping {
  readonly start: bigint;
  readonly lengthBytes: bigint;
}

/**
 * Returns the mappings of a program's file that are identical to the file: read-only, and with no modified page
 * (changes by relocations at the start would be lost).
 * @param smaps text of `/proc/PID/smaps`
 * @param program path of the program's file
 */
export function cleanMappings(smaps: string, program: string): Mapping[] {
  const found: Mapping[] = [];
  for (const [, from, to, writable, path, rest] of smaps.matchAll(MAPPING)) {
    if (path !== program || writable === "w" || !UNCHANGED.every((each) => each.test(rest))) continue;
    const start = BigInt(`0x${from}`);
    found.push({ start, lengthBytes: BigInt(`0x${to}`) - start });
  }
  return found;
}

/** No anonymous page in memory or swapped out. If the kernel doesn't report this, no mapping matches. */
const UNCHANGED = [/^Anonymous: +0 kB$/m, /^Swap: +0 kB$/m];

/** Address range, `r-xp`, offset, device, inode, path; then lines of statistics. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r([w-])[x-]p [0-9a-f]+ \S+ \d+ +(\/.*)\n((?:[A-Z].*\n)*)/gm;

/** Releases memory of this process. */
export interface SelfMemoryCalls {
  /** Drops the pages of the program's file, most of which only its start needed. */
  releaseProgram(): void;
  /** Returns free memory of the C library's heap to the kernel. */
  releaseHeap(): void;
}

export const selfMemory: SelfMemoryCalls = {
  releaseProgram: () => {
    const smaps = readProcFile("/proc/self/smaps") ?? "";
    for (const { start, lengthBytes } of cleanMappings(smaps, Deno.readLinkSync("/proc/self/exe"))) {
      // SAFETY: a whole mapping of this process, unchanged since it was made; a later read gets the same bytes from the
      // file.
      checked(libc.madvise(start, lengthBytes, MADV_DONTNEED), "madvise");
    }
  },
  releaseHeap: () => {
    // SAFETY: takes a number, and touches only memory that is free.
    libc.malloc_trim(0n);
  },
};
