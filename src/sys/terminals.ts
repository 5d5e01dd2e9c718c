/**
 * @module
 * Terminals, seen from the master of a pty (ioctl_tty(2)).
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** Size of a terminal, in characters: 0 to 65,535 each. */
export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** Both sides of a pty are accepted. Every call throws {@link SysError}; ENOTTY: not a terminal. */
export interface TerminalCalls {
  windowSize(fd: number): WindowSize;
  /** Sets the size. A changed size sends SIGWINCH to the foreground process group. */
  setWindowSize(fd: number, size: WindowSize): void;
  /** Returns how many bytes can be read without blocking; also works for a pipe. */
  unreadBytes(fd: number): number;
}

/** asm-generic/ioctls.h, which both architectures use. */
export const TIOC = { GWINSZ: 0x5413n, SWINSZ: 0x5414n } as const;
const FIONREAD = 0x541bn;

/** `struct winsize`: rows, columns, and an unused size in pixels. */
const WINSIZE_FIELDS = 4;

/** The real {@link TerminalCalls}. */
export const terminals: TerminalCalls = {
  windowSize(fd) {
    const size = new Uint16Array(WINSIZE_FIELDS);
    // SAFETY: size is a struct winsize, which the call fills.
    checked(libc.ioctl(fd, TIOC.GWINSZ, size), "ioctl TIOCGWINSZ", fd);
    return { rows: size[0], columns: size[1] };
  },
  setWindowSize(fd, { rows, columns }) {
    const size = new Uint16Array([rows, columns, 0, 0]);
    // SAFETY: size is a struct winsize, which the call only reads.
    checked(libc.ioctl(fd, TIOC.SWINSZ, size), "ioctl TIOCSWINSZ", fd);
  },
  unreadBytes(fd) {
    const count = new Int32Array(1);
    // SAFETY: count is the int that the call writes.
    checked(libc.ioctl(fd, FIONREAD, count), "ioctl FIONREAD", fd);
    return count[0];
  },
};
