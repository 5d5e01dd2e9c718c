/** Giving memory back to the kernel that this process can have again when it needs it. */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";
import { readProcFile } from "./process_info.ts";

/** madvise(2): the pages are dropped; the next look at them reads the file again, which is in the page cache. */
const MADV_DONTNEED = 4;

/** A mapping of `/proc/PID/smaps` (proc_pid_smaps(5)). */
export interface Mapping {
  readonly start: bigint;
  readonly lengthBytes: bigint;
}

/**
 * The mappings of a program's file that hold nothing but the file's bytes: not writable, and no page of them was ever
 * changed (what a relocation changed at the start would be lost).
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

/** Neither in memory nor swapped out is there a page of its own. A kernel that doesn't say so gives no mapping at all. */
const UNCHANGED = [/^Anonymous: +0 kB$/m, /^Swap: +0 kB$/m];

/** Address range, `r-xp`, offset, device, inode, path; then lines of facts. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) r([w-])[x-]p [0-9a-f]+ \S+ \d+ +(\/.*)\n((?:[A-Z].*\n)*)/gm;

/** What this process does about its own memory. */
export interface SelfMemoryCalls {
  /** Drops the pages of the program's file, most of which only its start needed. */
  releaseProgram(): void;
  /** Gives back what the C library's heap has free. */
  releaseHeap(): void;
}

export const selfMemory: SelfMemoryCalls = {
  releaseProgram: () => {
    const smaps = readProcFile("/proc/self/smaps") ?? "";
    for (const { start, lengthBytes } of cleanMappings(smaps, Deno.readLinkSync("/proc/self/exe"))) {
      // SAFETY: a whole mapping of this process, unchanged since it was made; whoever reads it gets the same bytes again.
      checked(libc.madvise(start, lengthBytes, MADV_DONTNEED), "madvise");
    }
  },
  releaseHeap: () => {
    // SAFETY: takes a number, and touches only memory that is free.
    libc.malloc_trim(0n);
  },
};
