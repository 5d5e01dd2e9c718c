/** Probes whether layers can be kept as subvolumes in a directory, by creating some. */
import { cString, FS_MAGIC, SysError } from "../../sys/mod.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { SUBVOLUME_CALLS, type SubvolumeCalls } from "./calls.ts";

/** Returns why they can't, or undefined if they can. @throws if directories can't be created below `root` */
export async function probeBtrfs(root: string, calls: SubvolumeCalls = SUBVOLUME_CALLS): Promise<string | undefined> {
  await using stagingDir = await StagingDir.create(root);
  if (calls.statfs(cString(stagingDir.path)).magic !== FS_MAGIC.BTRFS) return "it is not on btrfs";
  const [origin, copy] = ["origin", "copy"].map((name) => cString(name));
  try {
    using dir = openDir(stagingDir.path, calls);
    calls.createSubvolume(dir.fd, origin!);
    using source = openDir(`${stagingDir.path}/origin`, calls);
    calls.snapshotSubvolume(dir.fd, copy!, { fd: source.fd, isReadOnly: true });
    for (const name of [origin!, copy!]) calls.destroySubvolume(dir.fd, name);
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    return thrown.message;
  }
  return undefined;
}
