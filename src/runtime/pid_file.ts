/** Files in which OCI runtimes write the pid of what they have started (`--pid-file`). */
import { TsdError } from "../errors.ts";

/** Between the looks at a pid file that can't be opened for now. */
const PID_PAUSES_MS = [50, 200, 750, 1_000];

/**
 * As {@link readPid}, of a process that runs: that too many files are open just now is no reason to lose it.
 * @throws {TsdError} runtime_failed; {Error} of the file system
 */
export async function readPidWithRetry(path: string): Promise<number> {
  for (const pauseMs of PID_PAUSES_MS) {
    try {
      return readPid(path);
    } catch (thrown) {
      if (!isTooMany(thrown)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return readPid(path);
}

const isTooMany = (thrown: unknown): boolean => ["EMFILE", "ENFILE"].includes((thrown as { code?: string }).code ?? "");

/** The pid in a file that a runtime wrote. @throws {TsdError} runtime_failed: there is none */
export function readPid(path: string): number {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new TsdError("runtime_failed", `The runtime wrote no pid into ${path}`, { cause: thrown });
  }
  const pid = Number(text);
  if (Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new TsdError(
    "runtime_failed",
    `The runtime wrote no pid into ${path}, but ${JSON.stringify(text.slice(0, 40))}`,
  );
}
