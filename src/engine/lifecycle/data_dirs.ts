/**
 * @module
 * What one engine has to itself: its folders, the lock on them, and its cgroup.
 */
import { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { tryLock } from "../../sys/mod.ts";
import { isAnswered } from "./socket.ts";
import type { EnginePaths } from "../paths.ts";

/** How long an engine that was started on demand waits for the end of one that is on its way out, in ms. */
const REEXEC_MS = 9_000;
const REEXEC_POLL_MS = 20;

/** The data root, made where it is missing, as an absolute path without links. @throws {TsdError} storage */
export async function dataRootOf(given: string): Promise<string> {
  try {
    // Something in it, so that a file system that takes nothing is found now.
    await Deno.mkdir(`${given}/containers`, { recursive: true, mode: 0o710 });
    return await Deno.realPath(given);
  } catch (thrown) {
    throw storageError(`Cannot use the data root ${given}`, thrown);
  }
}

/** Makes the run folder. @throws {TsdError} storage */
export async function runDirOf(path: string): Promise<void> {
  try {
    await Deno.mkdir(`${path}/containers`, { recursive: true, mode: 0o710 });
  } catch (thrown) {
    throw storageError(`Cannot use the run folder ${path}`, thrown);
  }
}

/**
 * The lock that one engine of a data root holds for life. With `sharedSocket`, undefined means that another engine answers
 * there and serves whoever started this one. @throws {TsdError} conflict
 */
export async function lockOf({ runDir, dataRoot }: EnginePaths, sharedSocket: string | undefined) {
  for (const deadline = Date.now() + REEXEC_MS;;) {
    const lock = tryLock(`${runDir}/lock`);
    if (lock !== "held") return lock;
    if (sharedSocket !== undefined && await isAnswered(sharedSocket)) return undefined;
    if (sharedSocket === undefined || Date.now() > deadline) {
      throw new TsdError("conflict", `Cannot start the engine: another one uses ${dataRoot} already`);
    }
    // It has only just started, or is about to end: then this one takes its place.
    await new Promise((resolve) => setTimeout(resolve, REEXEC_POLL_MS));
  }
}

/** Our cgroup goes when no container is left in it; until then the kernel refuses, which is right. */
export async function removeCgroup({ cgroup }: EnginePaths): Promise<void> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  for (const line of mounts.split("\n")) {
    const [, target, type] = line.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    await removeIfEmpty(`${target}/${cgroup}`);
  }
}

async function removeIfEmpty(cgroup: string): Promise<void> {
  try {
    await Deno.remove(cgroup);
  } catch (thrown) {
    const busy = thrown instanceof Error && "code" in thrown && thrown.code === "EBUSY";
    if (!busy && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
