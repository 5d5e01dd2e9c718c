/** `tsd cp CONTAINER:PATH PATH|-`: receives a tar from the engine and unpacks it in this process. */
import { entryRenamer, join, splitEnd, TreeView, Unpacker } from "../../../archive/mod.ts";
import { userId } from "../../../cli/mod.ts";
import type { Client } from "../../../client/client.ts";
import { isTsdError } from "../../../errors.ts";
import { cString, files, O, OwnedFd } from "../../../sys/mod.ts";
import { byteStringFromText, TarDecoder, type TarEntry } from "../../../tar/mod.ts";
import { followed } from "./copy_names.ts";
import { type CopyCall, CopyMeter, type CopyRequest, type Destination, destinationOf } from "./copying.ts";
import { isGoDir, isGoLink } from "./go_file_mode.ts";
import { checkOutputPath, localPath, localTarget } from "./local_files.ts";

/** Copies from a container to a local path or standard output. @throws {StatusError} */
export async function copyFrom({ terminal, engine }: CopyCall, request: CopyRequest): Promise<void> {
  const { container, archive, quiet } = request;
  const target = request.target === "-" ? "-" : localPath(request.target);
  if (target !== "-") checkOutputPath(target);
  const source = request.followLink ? await withLink(engine, request) : { path: request.source };
  const { stat, body } = await engine.containers.get(container).copyFrom(source.path);
  if (target === "-") {
    for await (const chunk of body) await terminal.out(chunk);
    return;
  }
  const meter = new CopyMeter(terminal, "Copying from container - ", { quiet });
  try {
    const destination = destinationOf({ ...source, isDir: isGoDir(stat.mode) }, localTarget(target));
    await unpackLocally(meter.measured(body), destination, { rename: renamer(source.path, destination), archive });
  } finally {
    await body.cancel();
    await meter.clear();
  }
  if (!quiet) await meter.done(target);
}

/** Resolves a link in the container. If the path can't be found, it is returned as is. */
async function withLink(
  engine: Client,
  { container, source }: CopyRequest,
): Promise<{ readonly path: string; readonly otherName?: string }> {
  try {
    const { mode, linkTarget } = await engine.containers.get(container).statPath(source);
    if (!isGoLink(mode)) return { path: source };
    return followed(source, linkTarget.startsWith("/") ? linkTarget : join(splitEnd(source).dir, linkTarget));
  } catch (thrown) {
    if (isTsdError(thrown, "not_found")) return { path: source };
    throw thrown;
  }
}

/** Returns a function that maps paths in the archive to those at the destination. */
function renamer(source: string, { name }: Destination): (path: string) => string {
  const rename = entryRenamer(byteStringFromText(splitEnd(source).name), byteStringFromText(name));
  return name === splitEnd(source).name ? (path) => path : rename;
}

async function unpackLocally(
  chunks: AsyncIterable<Uint8Array>,
  { dir }: Destination,
  { rename, archive }: { readonly rename: (path: string) => string; readonly archive: boolean },
): Promise<void> {
  using view = new TreeView(new OwnedFd(files.open(cString(dir), O.PATH | O.DIRECTORY)));
  using root = view.root();
  const isRoot = userId() === 0;
  const owner = archive && isRoot ? "archive" : "caller";
  const options = { mayReplaceDirs: false, owner, followLinks: false, isRoot } as const;
  const shownRoot = byteStringFromText(dir.replace(/\/\.?$/, ""));
  using unpacker = new Unpacker({ view, dir: root, shownRoot }, options);
  const renamed = (entry: TarEntry): TarEntry => ({
    ...entry,
    path: rename(entry.path),
    linkPath: entry.type === "link" ? rename(entry.linkPath) : entry.linkPath,
  });
  const decoder = new TarDecoder();
  for await (const chunk of chunks) {
    decoder.feed(chunk);
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (item instanceof Uint8Array) unpacker.write(item);
      else unpacker.begin(renamed(item));
    }
  }
  decoder.finish();
  unpacker.finish();
}
