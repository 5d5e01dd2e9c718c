/** Files as block devices, for kernels that mount nothing else. */
import { cString, type FileCalls, files, isErrno, LO_FLAGS, type LoopCalls, loops, O, OwnedFd } from "../../sys/mod.ts";

/** How often somebody else may take the device that was free a moment ago. */
const TRIES = 64;
/** Direct: the file system on the device has its own page cache, and a second one of the file would be of no use. */
const FLAGS = LO_FLAGS.READ_ONLY | LO_FLAGS.AUTOCLEAR | LO_FLAGS.DIRECT_IO;

/** A loop device that is given back once neither this nor a mount of it is there. */
export interface LoopDevice extends Disposable {
  /** Such as `/dev/loop7`. */
  readonly path: string;
}

/**
 * The file as a device that can't be written to.
 * @throws {SysError} there are no loop devices, or none is left
 */
export function loopDeviceOf(
  file: { readonly fd: number },
  calls: FileCalls & LoopCalls = { ...files, ...loops },
): LoopDevice {
  using control = new OwnedFd(calls.open(cString("/dev/loop-control"), O.RDWR), calls);
  for (let attempt = 1;; attempt++) {
    const path = `/dev/loop${calls.freeLoop(control.fd)}`;
    using device = new OwnedFd(calls.open(cString(path), O.RDONLY), calls);
    try {
      calls.configureLoop(device.fd, file, FLAGS);
    } catch (thrown) {
      if (attempt === TRIES || !isErrno(thrown, "EBUSY")) throw thrown;
      continue;
    }
    const held = new OwnedFd(device.take(), calls);
    return { path, [Symbol.dispose]: () => held.close() };
  }
}
