/** Namespaces of containers' first processes. */
import { TsdError } from "../errors.ts";
import { cString, type FileCalls, isErrno, O, OwnedFd, processStartTime } from "../sys/mod.ts";
import type { LiveState } from "../engine/model/container.ts";

/**
 * Opens a namespace of the very process that was recorded: another one may have its number by now.
 * @throws {TsdError} not_running: the process has ended
 */
export function openNamespace(
  { pid, startTicks }: Pick<LiveState, "pid" | "startTicks">,
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
  // Read after the opening: the process that has this number now is the one whose namespace was opened.
  if (String(processStartTime(pid)) !== startTicks) throw ended;
  opened.move();
  return fd;
}
