/**
 * @module
 * Reads `/etc/passwd` and `/etc/group` of a container's root filesystem. Their content is untrusted, so the path is
 * resolved with the root filesystem as `/` (a symbolic link can't lead to a file of the host), anything but a regular
 * file is rejected before it is opened, and the number of bytes read is bounded.
 */
import { TsdError } from "../../errors.ts";
import {
  AT,
  cString,
  type FileCalls,
  files as realFiles,
  isErrno,
  metadata as realMetadata,
  type MetadataCalls,
  O,
  OwnedFd,
  RESOLVE,
  S,
} from "../../sys/mod.ts";
import type { AccountFiles } from "./user.ts";

/** Scanning this many bytes takes some tens of milliseconds. Real group files are far smaller. */
export const MAX_ACCOUNT_FILE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

type OpenCalls = Pick<FileCalls, "open" | "openat2" | "read" | "close">;
type StatusCalls = Pick<MetadataCalls, "statx">;

interface AccountCalls {
  readonly files: OpenCalls;
  readonly metadata: StatusCalls;
}

/**
 * Returns the account files of the root filesystem at `rootPath`, a directory of the host. A file is opened each time
 * it is read.
 *
 * Reading throws `invalid_argument` if a file is not a regular file or is larger than {@link MAX_ACCOUNT_FILE_BYTES}.
 */
export function rootfsAccountFiles(
  rootPath: string,
  files: OpenCalls = realFiles,
  metadata: StatusCalls = realMetadata,
): AccountFiles {
  const calls = { files, metadata };
  return {
    passwd: () => chunksOf(rootPath, "etc/passwd", calls),
    group: () => chunksOf(rootPath, "etc/group", calls),
  };
}

function* chunksOf(rootPath: string, path: string, calls: AccountCalls): Generator<Uint8Array> {
  using file = openInRoot(rootPath, path, calls);
  if (!file) return;
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let total = 0;;) {
    const count = calls.files.read(file.fd, buffer);
    if (count === 0 || count === "again") return;
    total += count;
    if (total > MAX_ACCOUNT_FILE_BYTES) throw rejection(path, `it is larger than ${MAX_ACCOUNT_FILE_BYTES} bytes`);
    yield buffer.subarray(0, count);
  }
}

/** Opens a regular file below the root; undefined if it doesn't exist. */
function openInRoot(rootPath: string, path: string, { files, metadata }: AccountCalls): OwnedFd | undefined {
  using root = new OwnedFd(files.open(cString(rootPath), O.PATH | O.DIRECTORY), files);
  using found = openPath(root, path, files);
  if (!found) return undefined;
  // A device or FIFO must not be opened at all. The file that O_PATH has pinned can't be replaced by one.
  const { mode } = metadata.statx(found.fd, cString(""), AT.EMPTY_PATH);
  if ((mode & S.IFMT) !== S.IFREG) throw rejection(path, "it is not a regular file");
  return new OwnedFd(files.open(cString(found.procPath), O.RDONLY), files);
}

function openPath(root: OwnedFd, path: string, files: AccountCalls["files"]): OwnedFd | undefined {
  try {
    const how = { flags: O.PATH, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS };
    return new OwnedFd(files.openat2(root.fd, cString(path), how), files);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    if (isErrno(error, "ELOOP")) throw rejection(path, "its symbolic links lead in a circle");
    throw error;
  }
}

function rejection(path: string, why: string): TsdError {
  return new TsdError("invalid_argument", `Cannot read /${path} of the container: ${why}`);
}
