/**
 * @module
 * What differs between the processor architectures that tsd runs on: one table each. `truth_test.ts` compares the
 * tables with the values that a C compiler gives.
 */
import { TsdError } from "../errors.ts";

/** Constants of one architecture's Linux ABI. */
export interface Arch {
  /** System call numbers, for calls without a wrapper in the oldest supported glibc. */
  readonly syscalls: {
    readonly pidfdSendSignal: bigint;
    readonly openTree: bigint;
    readonly moveMount: bigint;
    readonly fsopen: bigint;
    readonly fsconfig: bigint;
    readonly fsmount: bigint;
    readonly pidfdOpen: bigint;
    readonly openat2: bigint;
    readonly pidfdGetfd: bigint;
  };
  /** The flags of open(2) that differ between architectures. */
  readonly openFlags: {
    readonly directory: number;
    readonly noFollow: number;
    readonly direct: number;
    readonly largeFile: number;
  };
  /** `struct epoll_event`: packed on x86_64 only. */
  readonly epollEvent: { readonly sizeBytes: number; readonly dataOffset: number };
}

// Calls added since Linux 5.1 have one number on all architectures.
const SYSCALLS: Arch["syscalls"] = {
  pidfdSendSignal: 424n,
  openTree: 428n,
  moveMount: 429n,
  fsopen: 430n,
  fsconfig: 431n,
  fsmount: 432n,
  pidfdOpen: 434n,
  openat2: 437n,
  pidfdGetfd: 438n,
};

const TABLE: Readonly<Record<string, Arch>> = {
  x86_64: {
    syscalls: SYSCALLS,
    openFlags: { directory: 0o200000, noFollow: 0o400000, direct: 0o40000, largeFile: 0o100000 },
    epollEvent: { sizeBytes: 12, dataOffset: 4 },
  },
  aarch64: {
    syscalls: SYSCALLS,
    openFlags: { directory: 0o40000, noFollow: 0o100000, direct: 0o200000, largeFile: 0o400000 },
    epollEvent: { sizeBytes: 16, dataOffset: 8 },
  },
};

/**
 * Returns the constants of an architecture.
 * @param name Deno's name of it, as in `Deno.build.arch`
 * @throws {TsdError} not_implemented for an architecture without a table
 */
export function archNamed(name: string): Arch {
  const arch = Object.hasOwn(TABLE, name) ? TABLE[name] : undefined;
  if (!arch) throw new TsdError("not_implemented", `tsd runs on x86_64 and aarch64, not on ${name}`);
  return arch;
}

/** The constants of the architecture that this process runs on. */
export const ARCH: Arch = archNamed(Deno.build.arch);
