/** Data roots for engines with a given storage driver. */
import type { StorageDriver } from "../../src/store/drivers.ts";
import type { Requirement } from "../requires.ts";
import { btrfsVolume } from "./btrfs_volume.ts";
import type { EngineOptions } from "./engine.ts";

/** Returns what the driver requires of the machine. */
export const storageNeeds = (driver: StorageDriver): Requirement[] => driver === "btrfs" ? ["btrfs"] : [];

/** Returns options for an engine with this driver; dispose of them after the engine has exited. */
export async function storageDir(
  driver: StorageDriver,
): Promise<AsyncDisposable & { readonly options: EngineOptions }> {
  const args = ["--storage-driver", driver];
  if (driver !== "btrfs") return { options: { args }, [Symbol.asyncDispose]: () => Promise.resolve() };
  const volume = await btrfsVolume();
  return {
    options: { args, dataRoot: `${volume.path}/data` },
    [Symbol.asyncDispose]: () => volume[Symbol.asyncDispose](),
  };
}
