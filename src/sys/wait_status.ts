/**
 * @module
 * The status that wait(2) returns.
 */

/** How a process exited. */
export interface ProcessExit {
  /** The raw status of wait(2). */
  readonly status: number;
  /** The exit code, or 128 plus the number of the signal that killed the process, as shells report it. */
  readonly exitCode: number;
  /** The signal that killed the process, if any. */
  readonly signal: number | undefined;
}

/** Decodes a status of wait(2). */
export function decodeStatus(status: number): ProcessExit {
  const signal = status & 0x7f;
  return signal === 0
    ? { status, exitCode: (status >> 8) & 0xff, signal: undefined }
    : { status, exitCode: 128 + signal, signal };
}
