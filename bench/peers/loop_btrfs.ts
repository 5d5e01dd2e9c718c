/** A btrfs in a file, for an engine that keeps its layers as subvolumes. */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { PeerMissing } from "./peer.ts";
import { privateDir } from "./host_traces.ts";

/** The file has holes: it takes what is written. */
const SIZE_BYTES = 8 * 2 ** 30;

/** The folder where it is mounted, until `undo` is disposed of. @throws ContenderMissing where there is no btrfs */
export async function loopBtrfs(undo: AsyncDisposableStack): Promise<string> {
  const dir = await privateDir("btrfs", undo);
  const [file, point] = [join(dir, "file"), join(dir, "mounted")];
  await Deno.mkdir(point);
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, SIZE_BYTES);
  try {
    await capture("mkfs.btrfs", ["--quiet", file]);
    await capture("mount", ["-o", "loop", file, point]); // its folder is unmounted when it goes
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new PeerMissing(`there is no btrfs here: ${error.message.split("\n").at(-1)}`, { cause: error });
  }
  return point;
}
