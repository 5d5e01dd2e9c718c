/** Where an engine with a certain storage driver can have its data-root. */
import type { StorageDriver } from "../../src/store/drivers.ts";
import type { Requirement } from "../requires.ts";
import { btrfsVolume } from "./btrfs_volume.ts";
import type { EngineOptions } from "./engine.ts";

/** What of a machine it takes. */
export const storageNeeds = (driver: StorageDriver): Requirement[] => driver === "btrfs" ? ["btrfs"] : [];

/** Options for an engine that keeps its layers so; dispose of it once the engine has gone. */
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
