/** `tsd cp PATH|- CONTAINER:PATH`: streams a tar to the engine, which unpacks it. */
import { join, packTree, splitEnd, TreeView } from "../../../archive/mod.ts";
import { printableLine, StatusError } from "../../../cli/mod.ts";
import type { Client } from "../../../client/client.ts";
import { isTsdError } from "../../../errors.ts";
import { cString, files, O, OwnedFd } from "../../../sys/mod.ts";
import { byteStringFromText } from "../../../tar/mod.ts";
import { type CopyCall, CopyMeter, type CopyRequest, type CopyTarget, destinationOf } from "./copying.ts";
import { isGoDevice, isGoDir, isGoLink } from "./go_file_mode.ts";
import { localPath, localSource } from "./local_files.ts";

/** Copies a local path or a tar from standard input to a container. @throws {StatusError} */
export async function copyTo({ terminal, engine }: CopyCall, request: CopyRequest): Promise<void> {
  const { container, archive, quiet } = request;
  const target = await containerTarget(engine, request);
  const options = { noOverwriteDirNonDir: true, copyUIDGID: archive };
  const meter = new CopyMeter(terminal, "Copying to container - ", { quiet });
  if (request.source === "-") {
    if (target.found !== "folder") {
      throw new StatusError(`destination "${container}:${request.target}" must be a directory`);
    }
    await engine.containers.get(container).copyTo(target.path, meter.measured(terminal.stdin), options);
  } else {
    const source = localSource(localPath(request.source), request);
    const { dir, name } = destinationOf(source, target);
    try {
      await engine.containers.get(container).copyTo(dir, meter.measured(packed(source.path, name)), options);
    } finally {
      await meter.clear();
    }
  }
  if (!quiet) await meter.done(printableLine(`${container}:${target.path}`));
}

/** Looks up the target in the container, following a link. A target that can't be looked up may still be created. */
async function containerTarget(engine: Client, { container, target }: CopyRequest): Promise<CopyTarget> {
  let path = target;
  try {
    let stat = await engine.containers.get(container).statPath(path);
    if (isGoLink(stat.mode)) {
      path = stat.linkTarget.startsWith("/") ? stat.linkTarget : join(splitEnd(path).dir, stat.linkTarget);
      stat = await engine.containers.get(container).statPath(path);
    }
    if (isGoDevice(stat.mode)) {
      throw new StatusError(`destination "${container}:${target}" must be a directory or a regular file: got a device`);
    }
    return { path, found: isGoDir(stat.mode) ? "folder" : "other" };
  } catch (thrown) {
    if (isTsdError(thrown, "not_found", "invalid_argument", "system_call")) return { path, found: undefined };
    throw thrown;
  }
}

/** Packs a local path to a tar, in which it is called `name`. */
function* packed(path: string, name: string): Generator<Uint8Array> {
  const { dir, name: last } = splitEnd(path);
  using view = new TreeView(new OwnedFd(files.open(cString(dir), O.PATH | O.DIRECTORY)));
  using start = last === "." || last === "/" ? view.root() : view.resolve(byteStringFromText(last), { follow: false });
  const shownRoot = byteStringFromText(dir === "/" ? "" : dir);
  yield* packTree({ view, start, name: byteStringFromText(name === "/" ? "" : name), shownRoot });
}
