/**
 * @module
 * Reads device nodes of the host from its `/dev`: all of them for a privileged container, or those requested by
 * `--device`.
 */
import { TsdError } from "../../errors.ts";
import type { ContainerDevice, DeviceNumbers } from "./input.ts";

/** Directories and nodes in `/dev` that the runtime creates for each container. */
const EXCLUDED_DIRS = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);
const EXCLUDED_NODES = new Set(["console"]);

/** Returns every device node below `dir`, ordered by path. Symbolic links are not followed. */
export async function hostDevices(dir = "/dev"): Promise<ContainerDevice[]> {
  return (await nodesBelow(dir, dir, "rwm")).sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * Returns the nodes for `--device`: one node, or all nodes below a directory. Symbolic links are followed.
 *
 * @throws {TsdError} invalid_argument if there is no device
 */
export async function resolveDevice(onHost: string, inContainer: string, access: string): Promise<ContainerDevice[]> {
  const gathering = `error gathering device information while adding custom device ${JSON.stringify(onHost)}`;
  let real: string;
  try {
    real = await Deno.realPath(onHost);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new TsdError("invalid_argument", `${gathering}: no such file or directory`, { cause });
  }
  const node = await nodeAt(real, inContainer, access);
  const found = node ? [node] : await nodesBelow(real, inContainer, access);
  if (found.length > 0) return found;
  throw new TsdError("invalid_argument", `${gathering}: not a device node`);
}

/**
 * Returns the numbers of block devices, by path.
 *
 * @throws {TsdError} invalid_argument with Docker's text if a device doesn't exist; also if it is no block device
 */
export async function blockDevices(paths: readonly string[]): Promise<ReadonlyMap<string, DeviceNumbers>> {
  const found = paths.map(async (path): Promise<[string, DeviceNumbers]> => [path, await blockDevice(path)]);
  return new Map(await Promise.all(found));
}

async function blockDevice(path: string): Promise<DeviceNumbers> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new TsdError("invalid_argument", `stat ${path}: no such file or directory`, { cause });
  }
  if (info.isBlockDevice) return deviceNumbers(info.rdev ?? 0);
  throw new TsdError("invalid_argument", `Cannot limit ${path}: it is no block device`);
}

async function nodesBelow(dir: string, inContainer: string, access: string): Promise<ContainerDevice[]> {
  const found: ContainerDevice[] = [];
  if (!(await Deno.lstat(dir)).isDirectory) return found;
  for await (const entry of Deno.readDir(dir)) {
    const [path, target] = [`${dir}/${entry.name}`, `${inContainer}/${entry.name}`];
    if (entry.isDirectory) {
      if (!EXCLUDED_DIRS.has(entry.name)) found.push(...await nodesBelow(path, target, access));
    } else if (!entry.isSymlink && !entry.isFile && !EXCLUDED_NODES.has(entry.name)) {
      const node = await nodeAt(path, target, access);
      if (node) found.push(node);
    }
  }
  return found;
}

/** Returns the device node at `path`; undefined if it is no device or doesn't exist (any more). */
async function nodeAt(path: string, inContainer: string, access: string): Promise<ContainerDevice | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (!info.isCharDevice && !info.isBlockDevice) return undefined;
  return {
    path: inContainer,
    type: info.isBlockDevice ? "b" : "c",
    ...deviceNumbers(info.rdev ?? 0),
    fileMode: (info.mode ?? 0) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    access,
  };
}

/** Decodes a device number, which Linux packs into 64 bits with the bits of both numbers interleaved (makedev(3)). */
function deviceNumbers(packed: number): DeviceNumbers {
  const device = BigInt(packed);
  return {
    major: Number((device >> 8n) & 0xfffn | (device >> 32n) & 0xfffff000n),
    minor: Number(device & 0xffn | (device >> 12n) & 0xffffff00n),
  };
}
