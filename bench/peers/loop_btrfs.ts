/** A btrfs file system in a file, for the btrfs driver. */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { PeerMissing } from "./peer.ts";
import { privateDir } from "./host_traces.ts";

/** Apparent size: the file is sparse. */
const SIZE_BYTES = 8 * 2 ** 30;

/** Returns the mount point of a new btrfs, unmounted by `undo`. @throws PeerMissing if btrfs is not available */
export async function loopBtrfs(undo: AsyncDisposableStack): Promise<string> {
  const dir = await privateDir("btrfs", undo);
  const [file, point] = [join(dir, "file"), join(dir, "mounted")];
  await Deno.mkdir(point);
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, SIZE_BYTES);
  try {
    await capture("mkfs.btrfs", ["--quiet", file]);
    await capture("mount", ["-o", "loop", file, point]); // privateDir's cleanup unmounts it
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new PeerMissing(`there is no btrfs here: ${error.message.split("\n").at(-1)}`, { cause: error });
  }
  return point;
}
