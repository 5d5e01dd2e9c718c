/** Loop devices over files, for kernels that mount block devices only. */
import { cString, type FileCalls, files, isErrno, LO_FLAGS, type LoopCalls, loops, O, OwnedFd } from "../../sys/mod.ts";

/** Maximum number of attempts: another process may take the free device before we configure it. */
const TRIES = 64;
/** Direct I/O: the file system on the device has a page cache of its own, so caching the file as well is useless. */
const FLAGS = LO_FLAGS.READ_ONLY | LO_FLAGS.AUTOCLEAR | LO_FLAGS.DIRECT_IO;

/** A loop device that the kernel releases once neither this object nor a mount uses it. */
export interface LoopDevice extends Disposable {
  /** Such as `/dev/loop7`. */
  readonly path: string;
}

/** Attaches a file to a read-only loop device. @throws {SysError} if loop devices are not supported or none is free */
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
    const owned = new OwnedFd(device.take(), calls);
    return { path, [Symbol.dispose]: () => owned.close() };
  }
}
