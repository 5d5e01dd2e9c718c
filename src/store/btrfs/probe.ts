/** Whether layers can be kept as subvolumes in a folder, found out by doing it. */
import { cString, FS_MAGIC, SysError } from "../../sys/mod.ts";
import { Workspace } from "../directory_driver/staging_dir.ts";
import { openFolder } from "../overlay/merged_layers.ts";
import { SUBVOLUME_CALLS, type SubvolumeCalls } from "./calls.ts";

/** Why they can't, or nothing. @throws what keeps it from making folders */
export async function probeBtrfs(root: string, calls: SubvolumeCalls = SUBVOLUME_CALLS): Promise<string | undefined> {
  await using workspace = await Workspace.create(root);
  if (calls.statfs(cString(workspace.path)).magic !== FS_MAGIC.BTRFS) return "it is not on btrfs";
  const [origin, copy] = ["origin", "copy"].map((name) => cString(name));
  try {
    using folder = openFolder(workspace.path, calls);
    calls.createSubvolume(folder.fd, origin!);
    using source = openFolder(`${workspace.path}/origin`, calls);
    calls.snapshotSubvolume(folder.fd, copy!, { fd: source.fd, isReadOnly: true });
    for (const name of [origin!, copy!]) calls.destroySubvolume(folder.fd, name);
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    return thrown.message;
  }
  return undefined;
}
