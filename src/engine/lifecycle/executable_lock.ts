/**
 * @module
 * The portable form's program is in a cache of which a newer build removes what nobody uses (`scripts/portable_head.sh`). An
 * engine needs its folders for as long as it runs: it loads code when that is first used, and plugins' processes run its
 * Deno. So it holds locks on them, which also those see who can't see its process.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { BUILD_INFO, type BuildForm } from "../../build_info.ts";
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { shareLock } from "../../sys/mod.ts";

/** A bundle has this module's code in a chunk at its top. */
const dataDirs = () => [dirname(fileURLToPath(import.meta.url)), dirname(Deno.execPath())];

/** Keeps the program's folders until it is disposed of. */
export function lockExecutable(log: Log, form: BuildForm = BUILD_INFO.form, dirs = dataDirs): Disposable {
  const locks = new DisposableStack();
  if (form !== "portable") return locks;
  for (const dir of dirs()) {
    try {
      const lock = shareLock(dir);
      if (lock === "held") log.warn("the program's folder is being removed", { dir });
      else locks.use(lock);
    } catch (thrown) {
      // A file system without locks: whoever tidies up sees the process, mostly.
      log.warn("the program's folder can't be locked", { dir, error: toTsdError(thrown).message });
    }
  }
  return locks;
}
