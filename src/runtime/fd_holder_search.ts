/**
 * @module
 * Finds fd holders that no record names, because an engine was killed between starting one and recording it.
 */
import { isErrno, processStartTime, readProcFile } from "../sys/mod.ts";
import { type FdHolderRef, OWNER_VARIABLE } from "./fd_holder.ts";

/** An fd holder and its owner. */
export interface FoundFdHolder extends FdHolderRef {
  readonly owner: string;
}

/**
 * Returns all fd holders whose owner starts with `prefix` (a run directory, ending with `/`). Reads the environment of
 * every process, which takes 50 µs each.
 */
export function findFdHolders(prefix: string): FoundFdHolder[] {
  const found: FoundFdHolder[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const owner = /^\d+$/.test(name) ? ownerOf(name) : undefined;
    if (owner === undefined || !owner.startsWith(prefix)) continue;
    const startTicks = processStartTime(Number(name));
    if (startTicks !== undefined) found.push({ owner, pid: Number(name), startTicks: String(startTicks) });
  }
  return found;
}

const OWNER_PREFIX = `${OWNER_VARIABLE}=`;

/**
 * Returns the owner from the environment of an fd holder, which consists of this one variable. A container's process
 * may set the variable too, but runs in another mount namespace.
 */
function ownerOf(pid: string): string | undefined {
  try {
    const environment = readProcFile(`/proc/${pid}/environ`);
    if (!environment?.startsWith(OWNER_PREFIX) || mountNamespace(pid) !== mountNamespace("self")) return undefined;
    return environment.slice(OWNER_PREFIX.length).replace(/\0.*$/s, "");
  } catch (thrown) {
    // An fd holder never belongs to another user; a process that has exited meanwhile has no namespace.
    if (isErrno(thrown, "EACCES", "EPERM") || thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

const mountNamespace = (pid: string) => Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
