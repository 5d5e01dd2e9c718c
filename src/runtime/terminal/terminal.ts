/**
 * @module
 * Operations on a container's terminal through the master of its pty.
 */
import { TsdError } from "../../errors.ts";
import { OwnedFd, type PipeCalls, pipes, type TerminalCalls, terminals } from "../../sys/mod.ts";

/** The fields of `struct winsize` have 16 bits. */
const MAX_SIZE = 0xffff;

/**
 * Sets the size of a terminal in characters. The foreground process group gets SIGWINCH if the size changes. A size set
 * between the runtime's create and start is the program's initial size, which is 0×0 otherwise.
 * @throws {TsdError} invalid_argument
 * @throws {SysError} ENOTTY
 */
export function resizeTerminal(
  masterFd: number,
  rows: number,
  columns: number,
  calls: Pick<TerminalCalls, "setWindowSize"> = terminals,
): void {
  const fits = (size: number) => Number.isInteger(size) && size >= 0 && size <= MAX_SIZE;
  if (!fits(rows) || !fits(columns)) {
    throw new TsdError(
      "invalid_argument",
      `Cannot resize the terminal to ${rows}×${columns}: 0 to ${MAX_SIZE} are possible`,
    );
  }
  calls.setWindowSize(masterFd, { rows, columns });
}

/**
 * Returns a duplicate of the master for a `StdinPipe`, which closes its descriptor and registers it with its own epoll,
 * while the log Worker reads from another one. Closing it doesn't end the input: only Ctrl-D does on a terminal.
 */
export function terminalInput(masterFd: number, calls: Pick<PipeCalls, "duplicate"> = pipes): OwnedFd {
  return new OwnedFd(calls.duplicate(masterFd));
}
