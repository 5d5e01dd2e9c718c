/** Converts volumes to the types of the Engine API. */
import { type EnginePaths, volumePaths } from "../../engine/paths.ts";
import type { VolumeRecord } from "../../store/volume_records.ts";
import type { Volume, VolumeUsageData } from "../../api_types/mod.ts";

/** @param usage fields of `system df` */
export function volumeView(
  { name, createdMs, labels, options }: VolumeRecord,
  paths: EnginePaths,
  usage?: VolumeUsageData,
): Volume {
  return {
    // Whole seconds, like Docker's.
    CreatedAt: new Date(createdMs).toISOString().replace(/\.\d+Z$/, "Z"),
    Driver: "local",
    Labels: labels,
    Mountpoint: volumePaths(paths, name).data,
    Name: name,
    Options: options,
    Scope: "local",
    ...(usage && { UsageData: usage }),
  };
}
