/**
 * @module
 * `/dev/shm` of a container whose IPC namespace others may join (`--ipc shareable`): a tmpfs in its run directory while
 * it runs, which the others mount too.
 */
import { isErrno, MNT, type MountCalls, MS } from "../../sys/mod.ts";

type Calls = Pick<MountCalls, "mount" | "umount2">;

/** Returns the path of the tmpfs in a run directory. */
export const sharedMemoryPath = (bundle: string): string => `${bundle}/shm`;

/** Mounts the tmpfs. @throws {SysError} */
export function mountSharedMemory(bundle: string, sizeBytes: number, calls: Calls): void {
  const target = sharedMemoryPath(bundle);
  Deno.mkdirSync(target, { mode: 0o700 });
  const flags = MS.NOEXEC | MS.NOSUID | MS.NODEV;
  calls.mount({ source: "shm", target, type: "tmpfs", flags, data: `mode=1777,size=${sizeBytes}` });
}

/** Unmounts the tmpfs if it is mounted; containers that have joined keep it. @throws {SysError} */
export function unmountSharedMemory(bundle: string, calls: Calls): void {
  try {
    calls.umount2(sharedMemoryPath(bundle), MNT.DETACH);
  } catch (thrown) {
    // Not a mount, or it doesn't exist.
    if (!isErrno(thrown, "EINVAL", "ENOENT")) throw thrown;
  }
}
