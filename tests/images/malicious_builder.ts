/** Shorthands to define malicious images. */
import type { HostileImage, HostileLayers } from "./malicious.ts";
import { ImageBuilder } from "./image_builder.ts";
import type { TarEntry } from "./tar_entries.ts";
import type { Victim } from "./victim.ts";

type Rest = Pick<HostileLayers, "root" | "probe">;

/** Returns a malicious image from the entries of its layers. */
export function layered(
  number: number | undefined,
  name: string,
  what: string,
  expect: HostileImage["expect"],
  layers: (victim: Victim) => readonly (readonly TarEntry[])[],
  rest: Rest = {},
): HostileLayers {
  return {
    ...{ kind: "layers", number, name, what, expect, ...rest },
    build(victim) {
      const builder = new ImageBuilder().config({ Cmd: ["true"] });
      for (const entries of layers(victim)) builder.layer(entries);
      return builder.build();
    },
  };
}
