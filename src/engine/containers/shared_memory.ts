/**
 * @module
 * `/dev/shm` of a container whose IPC namespace others may join (`--ipc shareable`): a tmpfs in its run folder, for as long
 * as it runs. The others mount the very same.
 */
import { isErrno, MNT, type MountCalls, MS } from "../../sys/mod.ts";

type Calls = Pick<MountCalls, "mount" | "umount2">;

/** Of a container, by its run folder. */
export const sharedMemoryPath = (bundle: string): string => `${bundle}/shm`;

/** Makes it. @throws {SysError} */
export function mountSharedMemory(bundle: string, sizeBytes: number, calls: Calls): void {
  const target = sharedMemoryPath(bundle);
  Deno.mkdirSync(target, { mode: 0o700 });
  const flags = MS.NOEXEC | MS.NOSUID | MS.NODEV;
  calls.mount({ source: "shm", target, type: "tmpfs", flags, data: `mode=1777,size=${sizeBytes}` });
}

/** Takes it away where it is there; those who have joined keep what they see. @throws {SysError} */
export function unmountSharedMemory(bundle: string, calls: Calls): void {
  try {
    calls.umount2(sharedMemoryPath(bundle), MNT.DETACH);
  } catch (thrown) {
    // Not a mount, or not there at all.
    if (!isErrno(thrown, "EINVAL", "ENOENT")) throw thrown;
  }
}
