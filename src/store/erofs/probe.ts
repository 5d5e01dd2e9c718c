/**
 * Probes whether this kernel can mount layers from a directory, by mounting one: a tar with an index, under an overlay.
 */
import { isErrno, SysError } from "../../sys/mod.ts";
import { bytesOf, encodeHeader, END_OF_TAR, paddingOf, TarDecoder, tarHeader } from "../../tar/mod.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";
import { LayerTree } from "../layer_tree.ts";
import { mountOverlay, type OverlayDirs, unmountAll } from "../overlay/overlay_mount.ts";
import { writeIndex } from "./index_writer.ts";
import { INDEX_NAME, IndexFile, NewFile, TAR_NAME, TarFile } from "./layer_files.ts";
import { LayerMounts, MOUNT_STRATEGIES, type MountStrategy } from "./layer_mounts.ts";

const NAME = "probe";
const CONTENT = "read through an overlay over an index over a tar";

/** How layers can be mounted, or why they can't be. */
export type Probed = { readonly strategy: MountStrategy } | { readonly why: string };

/** Tries all mount strategies, best first. @throws if directories and files can't be created below `root` */
export async function probeErofs(root: string): Promise<Probed> {
  await using stagingDir = await StagingDir.create(root);
  writeLayer(`${stagingDir.path}/${TAR_NAME}`, `${stagingDir.path}/${INDEX_NAME}`);
  const refusals = new Set<string>();
  for (const strategy of MOUNT_STRATEGIES) {
    const why = tryStrategy(stagingDir.path, strategy);
    if (why === undefined) return { strategy };
    refusals.add(why);
  }
  return { why: [...refusals].join("; ") };
}

/** Returns why this strategy doesn't work, or undefined if it does. */
function tryStrategy(dir: string, strategy: MountStrategy): string | undefined {
  const [upper, work, target] = ["upper", "work", "merged"].map((name) => `${dir}/${strategy}/${name}`);
  for (const path of [upper!, work!, target!]) Deno.mkdirSync(path, { recursive: true });
  using mounts = new LayerMounts(`${dir}/${strategy}`);
  try {
    const devices = { index: `${dir}/${INDEX_NAME}`, tar: `${dir}/${TAR_NAME}` };
    const { path } = mounts.use("layer", devices, strategy);
    mountWithFallback({ lowers: [path], upper: upper!, work: work!, target: target! });
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    const { message } = thrown;
    return isErrno(thrown, "ENOTBLK") ? `${message} (Linux 6.12 mounts files, on a disk's file system)` : message;
  }
  try {
    const found = Deno.readTextFileSync(`${target}/${NAME}`);
    return found === CONTENT ? undefined : "this kernel reads something else than what was written";
  } finally {
    unmountAll(target!);
  }
}

/** Mounts as for a container: kernels that need block devices may need mount(2) for overlays as well. */
function mountWithFallback(dirs: OverlayDirs): void {
  try {
    mountOverlay(dirs, "fsconfig");
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    mountOverlay(dirs, "mount");
  }
}

/** Not synced: it is deleted right away. */
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
  writeIndex(tree, tar, new Uint8Array(16), index);
}
