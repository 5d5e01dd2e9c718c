/** Whether this kernel mounts layers that lie in a folder, found out by doing it: a tar with an index, an overlay on it. */
import { isErrno, SysError } from "../../sys/mod.ts";
import { bytesOf, encodeHeader, END_OF_TAR, paddingOf, TarDecoder, tarHeader } from "../../tar/mod.ts";
import { Workspace } from "../layer_folders/workspace.ts";
import { LayerTree } from "../layer_tree.ts";
import { mountOverlay, unmountAll } from "../overlay/overlay_mount.ts";
import { writeIndex } from "./index_writer.ts";
import { INDEX_NAME, IndexFile, NewFile, TAR_NAME, TarFile } from "./layer_files.ts";
import { LayerMounts } from "./layer_mounts.ts";

const NAME = "probe";
const CONTENT = "read through an overlay over an index over a tar";

/** Resolves to why it can't be done, or to nothing. @throws what keeps it from making folders and files */
export async function probeErofs(root: string): Promise<string | undefined> {
  await using workspace = await Workspace.create(root);
  const path = (name: string) => `${workspace.path}/${name}`;
  writeLayer(path(TAR_NAME), path(INDEX_NAME));
  const [upper, work, target] = [path("upper"), path("work"), path("merged")];
  for (const folder of [upper, work, target]) Deno.mkdirSync(folder);
  using mounts = new LayerMounts();
  try {
    const lower = mounts.path("probe", { index: path(INDEX_NAME), tar: path(TAR_NAME) });
    mountOverlay({ lowers: [lower], upper, work, target }, "fsconfig");
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    const { message } = thrown;
    return isErrno(thrown, "ENOTBLK") ? `${message} (Linux 6.12 mounts files, on a disk's file system)` : message;
  }
  try {
    const found = Deno.readTextFileSync(`${target}/${NAME}`);
    return found === CONTENT ? undefined : "this kernel reads something else than what was written";
  } finally {
    unmountAll(target);
  }
}

/** Without a sync: it is gone in a moment. */
function writeLayer(tarPath: string, indexPath: string): void {
  const content = bytesOf(CONTENT);
  const header = encodeHeader(tarHeader({ type: "file", path: NAME, sizeBytes: content.length }));
  const tree = new LayerTree();
  const decoder = new TarDecoder();
  using file = NewFile.create(tarPath);
  for (const part of [header, content, new Uint8Array(paddingOf(content.length)), END_OF_TAR]) {
    file.append(part);
    decoder.feed(part);
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (!(item instanceof Uint8Array)) tree.add(item);
    }
  }
  using tar = TarFile.open(tarPath);
  using index = IndexFile.create(indexPath);
  writeIndex(tree, tar, index);
}
