/**
 * @module
 * Loop devices: files that are seen as block devices (loop(4), linux/loop.h).
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** Every call throws {@link SysError}. */
export interface LoopCalls {
  /** Number of a loop device that nobody uses, made when there is none. `controlFd` is open on /dev/loop-control. */
  freeLoop(controlFd: number): number;
  /** Gives a loop device its file. EBUSY: somebody else was faster. `LO_FLAGS`; the file's descriptor may be closed then. */
  configureLoop(loopFd: number, file: { readonly fd: number }, flags: number): void;
}

/** AUTOCLEAR: it is given back with whoever uses it last. DIRECT_IO: past the page cache of the file, where that goes. */
export const LO_FLAGS = { READ_ONLY: 1, AUTOCLEAR: 4, DIRECT_IO: 16 } as const;

/** The requests that are made. */
export const LOOP = { CTL_GET_FREE: 0x4c82n, CONFIGURE: 0x4c0an } as const;

/** `struct loop_config` with its `struct loop_info64`: size, and offsets of the fields that are set. */
export const LOOP_CONFIG = { sizeBytes: 304, fd: 0, block_size: 4, "info.lo_flags": 60 } as const;

/** Said outright: a device with larger blocks couldn't be mounted with ours. */
const BLOCK_BYTES = 512;
const NOTHING = new Uint8Array(0);

/** The real {@link LoopCalls}. */
export const loops: LoopCalls = {
  // SAFETY: the request takes no argument.
  freeLoop: (controlFd) => checked(libc.ioctl(controlFd, LOOP.CTL_GET_FREE, NOTHING), "ioctl LOOP_CTL_GET_FREE"),
  configureLoop(loopFd, file, flags) {
    const config = new Uint8Array(LOOP_CONFIG.sizeBytes);
    const view = new DataView(config.buffer);
    view.setUint32(LOOP_CONFIG.fd, file.fd, true);
    view.setUint32(LOOP_CONFIG.block_size, BLOCK_BYTES, true);
    view.setUint32(LOOP_CONFIG["info.lo_flags"], flags, true);
    // SAFETY: config is a struct loop_config, which the call only reads.
    checked(libc.ioctl(loopFd, LOOP.CONFIGURE, config), "ioctl LOOP_CONFIGURE", loopFd);
  },
};
