import { type ErrorCode, toTsdError } from "../../errors.ts";

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  command_not_executable: 126,
  command_not_found: 127,
  not_a_directory: 127,
};

/** Returns the exit code of a process that could not be started, as in Docker. */
export function startFailureExitCode(thrown: unknown, otherwise: number): number {
  return EXIT_CODES[toTsdError(thrown).code] ?? otherwise;
}
