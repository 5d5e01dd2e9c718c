/**
 * @module
 * Subpaths of volumes and images (`volume-subpath`, `image-subpath`). Containers may put links into a volume, also while a
 * subpath is looked up: one call of the kernel resolves it and refuses each step out of the directory, an absolute link
 * included. Texts are those of dockerd 28 (moby, internal/safepath), which refuses the same, except absolute links whose
 * target on the host happens to be in the volume: paths of the host mean nothing here.
 */
import { TsdError } from "../../errors.ts";
import { cleanPath } from "../../runtime/spec/mod.ts";
import { cString, type FileCalls, O, OwnedFd, RESOLVE, SysError } from "../../sys/mod.ts";

type Calls = Pick<FileCalls, "open" | "openat2" | "close">;

const BENEATH = { flags: O.PATH, resolve: RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS };

/** A directory that subpaths are looked up in. */
export interface SubpathBase {
  readonly fd: number;
  /** As errors name it. */
  readonly path: string;
}

/**
 * Opens what a subpath leads to, with `O_PATH`; the caller closes it.
 * @throws {TsdError} not_found; invalid_argument: it leads out of the directory, or goes through something else than
 * directories and links
 */
export function openSubpath(base: SubpathBase, subpath: string, calls: Calls): OwnedFd {
  // As dockerd does: `..` in the subpath itself never comes to see links.
  const path = cleanPath(subpath).slice(1) || ".";
  try {
    return openBeneath(base, path, calls);
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    throw refusal({ base, path, subpath, thrown, missing: () => firstMissing(base, path, calls) });
  }
}

const openBeneath = ({ fd }: SubpathBase, path: string, calls: Calls): OwnedFd =>
  new OwnedFd(calls.openat2(fd, cString(path), BENEATH), calls);

interface Refused {
  readonly base: SubpathBase;
  readonly path: string;
  readonly subpath: string;
  readonly thrown: SysError;
  readonly missing: () => string;
}

function refusal({ base, path, subpath, thrown, missing }: Refused): TsdError {
  const whole = `${base.path}/${path}`;
  if (thrown.errnoName === "EXDEV") {
    const why = `path concatenation escapes the base directory, base: ${base.path}, subpath: ${subpath}`;
    return new TsdError("invalid_argument", why, { cause: thrown });
  }
  if (thrown.errnoName === "ENOENT") {
    const why = `lstat ${base.path}/${missing()}: ${thrown.reason}`;
    return new TsdError("not_found", `cannot access path ${whole}: ${why}`, { cause: thrown });
  }
  const why = thrown.errnoName === "ELOOP" ? "EvalSymlinks: too many links" : thrown.reason;
  const message = `error while resolving symlinks in combined path ${JSON.stringify(whole)}: ${why}`;
  return new TsdError("invalid_argument", message, { cause: thrown });
}

/** The shortest beginning of a path at which there is nothing, or no more. */
function firstMissing(base: SubpathBase, path: string, calls: Calls): string {
  const names = path.split("/");
  for (let count = 1; count < names.length; count++) {
    const beginning = names.slice(0, count).join("/");
    try {
      openBeneath(base, beginning, calls).close();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      return beginning;
    }
  }
  return path;
}
