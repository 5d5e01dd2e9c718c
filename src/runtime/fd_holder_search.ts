/**
 * @module
 * Keepers that no record names: an engine was killed between starting one and writing it down.
 */
import { isErrno, processStartTime, readProcFile } from "../sys/mod.ts";
import { type FdHolderRef, OWNER_VARIABLE } from "./fd_holder.ts";

/** A keeper that was found. */
export interface FoundFdHolder extends FdHolderRef {
  readonly owner: string;
}

/** All keepers whose owner begins with `prefix` (a run folder, ending with `/`). Looks at every process: 50 µs each. */
export function fdHoldersOf(prefix: string): FoundFdHolder[] {
  const found: FoundFdHolder[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const owner = /^\d+$/.test(name) ? ownerOf(name) : undefined;
    if (owner === undefined || !owner.startsWith(prefix)) continue;
    const startTicks = processStartTime(Number(name));
    if (startTicks !== undefined) found.push({ owner, pid: Number(name), startTicks: String(startTicks) });
  }
  return found;
}

const START = `${OWNER_VARIABLE}=`;

/** A keeper's environment is this one variable. A container's process can carry it too, but not in our namespace. */
function ownerOf(pid: string): string | undefined {
  try {
    const environment = readProcFile(`/proc/${pid}/environ`);
    if (!environment?.startsWith(START) || mountNamespace(pid) !== mountNamespace("self")) return undefined;
    return environment.slice(START.length).replace(/\0.*$/s, "");
  } catch (thrown) {
    // Another user's process can't be our keeper; one that ended meanwhile has no namespace.
    if (isErrno(thrown, "EACCES", "EPERM") || thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

const mountNamespace = (pid: string) => Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
