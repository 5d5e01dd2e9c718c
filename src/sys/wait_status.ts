/**
 * @module
 * What the status of wait(2) says.
 */

/** How a process ended. */
export interface ProcessExit {
  /** The raw status of wait(2). */
  readonly status: number;
  /** What a shell would say: the exit code, or 128 plus the number of the signal that killed it. */
  readonly exitCode: number;
  /** The signal that killed it, if one did. */
  readonly signal: number | undefined;
}

/** The parts of a status of wait(2). */
export function decodeStatus(status: number): ProcessExit {
  const signal = status & 0x7f;
  return signal === 0
    ? { status, exitCode: (status >> 8) & 0xff, signal: undefined }
    : { status, exitCode: 128 + signal, signal };
}
