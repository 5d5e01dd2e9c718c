/** Namespaces of processes, opened without confusing a process with another one that reused its pid. */
import { TsdError } from "../errors.ts";
import { cString, type FileCalls, isErrno, O, OwnedFd, processStartTime } from "../sys/mod.ts";
import type { ProcessIdentity } from "./orphaned_process.ts";

/**
 * Opens a namespace of the recorded process (`/proc/PID/ns/TYPE`), never that of a process that reused its pid. The
 * caller closes the descriptor.
 * @throws {TsdError} not_running if the process has ended
 */
export function openNamespace(
  { pid, startTicks }: ProcessIdentity,
  type: "pid" | "ipc" | "net",
  files: Pick<FileCalls, "open" | "close">,
): OwnedFd {
  using opened = new DisposableStack();
  const ended = new TsdError("not_running", "its process has just ended");
  let fd: OwnedFd;
  try {
    fd = opened.use(new OwnedFd(files.open(cString(`/proc/${pid}/ns/${type}`), O.RDONLY), files));
  } catch (thrown) {
    throw isErrno(thrown, "ENOENT", "ESRCH") ? ended : thrown;
  }
  // Checked after opening: if the pid still names the recorded process, the opened namespace is that process's.
  if (String(processStartTime(pid)) !== startTicks) throw ended;
  opened.move();
  return fd;
}
