/**
 * @module
 * Loop devices: block devices backed by a file (loop(4), linux/loop.h).
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** Calls on loop devices. Every call throws {@link SysError}. */
export interface LoopCalls {
  /**
   * Returns the number of an unused loop device, created if there is none. `controlFd` is open on /dev/loop-control.
   */
  freeLoop(controlFd: number): number;
  /**
   * Attaches a file to a loop device; its descriptor may be closed afterwards. EBUSY: the device has been taken
   * meanwhile.
   * @param flags `LO_FLAGS`
   */
  configureLoop(loopFd: number, file: { readonly fd: number }, flags: number): void;
}

/**
 * AUTOCLEAR: the device is detached when its last user closes it. DIRECT_IO: bypasses the file's page cache where
 * supported.
 */
export const LO_FLAGS = { READ_ONLY: 1, AUTOCLEAR: 4, DIRECT_IO: 16 } as const;

/** The ioctl requests used here. */
export const LOOP = { CTL_GET_FREE: 0x4c82n, CONFIGURE: 0x4c0an } as const;

/** `struct loop_config` with its `struct loop_info64`: size, and offsets of the fields used here. */
export const LOOP_CONFIG = { sizeBytes: 304, fd: 0, block_size: 4, "info.lo_flags": 60 } as const;

/** Set explicitly: an image with these blocks couldn't be mounted from a device with larger ones. */
const BLOCK_BYTES = 512;
const NO_ARGUMENT = new Uint8Array(0);

/** The real {@link LoopCalls}. */
export const loops: LoopCalls = {
  // SAFETY: the request takes no argument.
  freeLoop: (controlFd) => checked(libc.ioctl(controlFd, LOOP.CTL_GET_FREE, NO_ARGUMENT), "ioctl LOOP_CTL_GET_FREE"),
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
