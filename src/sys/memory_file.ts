/**
 * @module
 * Files that are in memory only (memfd_create(2)), sealed: nobody can change them any more.
 */
import { checked } from "./check.ts";
import { cString } from "./cstring.ts";
import { isErrno } from "./errno.ts";
import { files } from "./files.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";

/** memfd_create(2). EXEC (Linux 6.3) says that programs are to be executed from it, whatever the machine's default is. */
export const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2 } as const;
const MFD_EXEC = 0x10;
/** fcntl(2), "File Sealing". */
export const SEALING = {
  F_ADD_SEALS: 1033,
  F_SEAL_SEAL: 1,
  F_SEAL_SHRINK: 2,
  F_SEAL_GROW: 4,
  F_SEAL_WRITE: 8,
} as const;
const { F_ADD_SEALS, ...SEALS } = SEALING;
const ALL_SEALS = Object.values(SEALS).reduce((all, seal) => all | seal, 0);

/** A program's bytes, to be executed by the descriptor's path. @throws {SysError} EACCES where the machine forbids that */
export function sealedProgram(name: string, bytes: Uint8Array): OwnedFd {
  const file = new OwnedFd(memfdCreate(name));
  try {
    for (let at = 0; at < bytes.length;) at += Number(files.write(file.fd, bytes.subarray(at)));
    // SAFETY: a number is passed, no address.
    checked(libc.fcntl(file.fd, F_ADD_SEALS, ALL_SEALS), "fcntl", name);
    return file;
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

function memfdCreate(name: string): number {
  // SAFETY: the name ends with NUL and is copied.
  const create = (flags: number) => checked(libc.memfd_create(cString(name), flags), "memfd_create", name);
  try {
    return create(MFD.CLOEXEC | MFD.ALLOW_SEALING | MFD_EXEC);
  } catch (thrown) {
    if (!isErrno(thrown, "EINVAL")) throw thrown;
    return create(MFD.CLOEXEC | MFD.ALLOW_SEALING); // A kernel before 6.3: executable by default.
  }
}
