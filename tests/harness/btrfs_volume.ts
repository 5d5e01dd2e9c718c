/** A btrfs file system for a test, in a file on a loop device. */
import { runCommand } from "./run_command.ts";

/** The file is sparse. */
const SIZE_BYTES = 4 * 2 ** 30;

export interface VolumeOptions {
  readonly sizeBytes?: number;
  /** The directory of the file; default: that of temporary files. */
  readonly dir?: string;
}

/** A directory that is removed with its content on disposal. */
export interface TestDir extends AsyncDisposable {
  readonly path: string;
}

/** Creates and mounts a btrfs; the caller disposes of it with `await using`. */
export async function btrfsVolume({ sizeBytes = SIZE_BYTES, dir }: VolumeOptions = {}): Promise<TestDir> {
  const directory = await Deno.realPath(
    await Deno.makeTempDir({ prefix: "tsd-btrfs-", ...(dir !== undefined && { dir }) }),
  );
  const [image, path] = [`${directory}/image`, `${directory}/volume`];
  await Deno.mkdir(path);
  await Deno.writeTextFile(image, "");
  await Deno.truncate(image, sizeBytes);
  await must("mkfs.btrfs", ["-q", image]);
  await must("mount", ["-t", "btrfs", "-o", "loop", image, path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await must("umount", [path]);
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
