/**
 * @module
 * What one engine has to itself: its folders, the lock on them, and its cgroup.
 */
import { dirname } from "node:path";
import { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { tryLock } from "../../sys/mod.ts";
import { isAnswered } from "./socket.ts";
import type { EnginePaths } from "../paths.ts";

/** How long an engine that was started on demand waits for the end of one that is on its way out, in ms. */
const REEXEC_MS = 9_000;
const REEXEC_POLL_MS = 20;

const DIRECTORY_MODE = 0o710;

/**
 * The data root as an absolute path without links. Directories are made where they are missing; `undo` removes them
 * again as long as they are empty. @throws {TsdError} storage
 */
export async function dataRootOf(given: string, undo: DisposableStack): Promise<string> {
  try {
    makeDirectories(given, undo);
    return await Deno.realPath(given);
  } catch (thrown) {
    throw storageError(`Cannot use the data root ${given}`, thrown);
  }
}

/** Makes the run directory, which stays: it has the lock. @throws {TsdError} storage */
export function makeRunDir(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (thrown) {
    throw storageError(`Cannot use the run folder ${path}`, thrown);
  }
}

/** Makes what is in the data root and the run directory of every engine; a file system that takes nothing is found now. @throws {TsdError} storage */
export function fillDirectories({ dataRoot, runDir }: EnginePaths): void {
  for (const [what, path] of [["data root", dataRoot], ["run folder", runDir]] as const) {
    try {
      Deno.mkdirSync(`${path}/containers`, { recursive: true, mode: DIRECTORY_MODE });
    } catch (thrown) {
      throw storageError(`Cannot use the ${what} ${path}`, thrown);
    }
  }
}

/** Makes a directory and those above it that are missing. */
function makeDirectories(path: string, undo: DisposableStack): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent, undo);
  try {
    Deno.mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists && isDirectory(path)) return;
    throw thrown;
  }
  undo.defer(() => removeIfEmpty(path));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
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
    removeIfEmpty(`${target}/${cgroup}`);
  }
}

/** A directory of files (ENOTEMPTY), or of a cgroup (EBUSY). */
function removeIfEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    const busy = thrown instanceof Error && "code" in thrown && ["EBUSY", "ENOTEMPTY"].includes(String(thrown.code));
    if (!busy && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
