/** Power cuts throughout the lifecycle of containers and images. Takes minutes. */
import { strict as assert } from "node:assert";
import { containerCuts, type ContainerCutsOptions } from "../engine/container_cuts.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

const PLACES: readonly Pick<ContainerCutsOptions, "fileSystem" | "args">[] = [
  { fileSystem: "ext4" },
  { fileSystem: "ext4", args: ["--storage-driver", "overlay2"] },
  { fileSystem: "xfs" },
  { fileSystem: "btrfs" },
  { fileSystem: "btrfs", args: ["--storage-driver", "btrfs"] },
];

for (const { fileSystem, args = [] } of PLACES) {
  const needs = requires("root", "runc", "btrfs", ...fileSystem === "xfs" ? ["xfs" as const] : []);
  Deno.test(
    `${[fileSystem, ...args].join(" ")}: power cuts while containers and images are created and removed`,
    needs,
    async () => {
      const figures = await containerCuts({ fileSystem, args, cuts: 60, everyMs: 90, lanes: 4, imageLanes: 2 });
      print(`${[fileSystem, ...args].join(" ")}: power cuts`, JSON.stringify(figures));
      assert.deepEqual(figures.problems, []);
      assert.ok(figures.promised > 60 && figures.images > 60);
    },
  );
}
