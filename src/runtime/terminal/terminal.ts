/**
 * @module
 * What is done to a container's terminal through the master of its pty.
 */
import { TsdError } from "../../errors.ts";
import { OwnedFd, type PipeCalls, pipes, type TerminalCalls, terminals } from "../../sys/mod.ts";

/** The fields of `struct winsize` have 16 bits. */
const LARGEST = 0xffff;

/**
 * Sets the size, in characters. The programs in the foreground get SIGWINCH when it is another than before. Between the
 * runtime's create and start it is what the program finds (0×0 otherwise).
 * @throws {TsdError} invalid_argument, {SysError} ENOTTY
 */
export function resizeTerminal(
  masterFd: number,
  rows: number,
  columns: number,
  calls: Pick<TerminalCalls, "setWindowSize"> = terminals,
): void {
  const fits = (each: number) => Number.isInteger(each) && each >= 0 && each <= LARGEST;
  if (!fits(rows) || !fits(columns)) {
    throw new TsdError(
      "invalid_argument",
      `Cannot resize the terminal to ${rows}×${columns}: 0 to ${LARGEST} are possible`,
    );
  }
  calls.setWindowSize(masterFd, { rows, columns });
}

/**
 * A second descriptor of the master, for a `StdinPipe`: that one closes what it writes to, and waits for it by itself, while
 * the master goes on being read. Closing it is no end of input; a terminal has none but Ctrl-D.
 */
export function terminalInput(masterFd: number, calls: Pick<PipeCalls, "duplicate"> = pipes): OwnedFd {
  return new OwnedFd(calls.duplicate(masterFd));
}
