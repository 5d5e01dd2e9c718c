/** Which images and snapshots a container's record refers to. */
import type { Digest } from "../../image/digest.ts";
import type { ContainerRecord } from "./container.ts";

/** Returns the ids of the snapshots of images that are mounted in a container. */
export const mountedSnapshots = ({ mounts = [] }: Pick<ContainerRecord, "mounts">): string[] =>
  mounts.flatMap(({ image }) => image?.found?.snapshot ?? []);

/** Returns the images that a container needs, each with its layers: its own image first, then those mounted in it. */
export function neededImages(
  { imageId, layers, mounts = [] }: Pick<ContainerRecord, "imageId" | "layers" | "mounts">,
): { readonly imageId: Digest; readonly layers: readonly Digest[] }[] {
  const mounted = mounts.flatMap(({ image }) => image?.found ?? []);
  return [{ imageId, layers }, ...mounted.map(({ id, layers }) => ({ imageId: id, layers }))];
}
