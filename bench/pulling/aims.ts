/** The aims for pulls, as in README.md. */
import { type Aim, toDocker } from "../measuring/aims.ts";
import { tsdName } from "./engines.ts";
import type { PullImageName } from "./images.ts";
import { pullRow, ROWS } from "./turns.ts";

const OF_IMAGES: Readonly<Record<PullImageName, readonly Aim[]>> = {
  six: [
    toDocker(pullRow("six"), 0.25),
    { ...toDocker(pullRow("six"), 0.6), of: { row: pullRow("six"), peer: tsdName("overlay2", "wasm") } },
    { of: { row: ROWS.peak, peer: "tsd" }, bound: "at most", limit: 300 },
    toDocker(ROWS.again, 0.5),
    toDocker(ROWS.run, 1),
    toDocker(ROWS.removal, 0.1),
  ],
  one: [toDocker(pullRow("one"), 0.45)],
  forty: [toDocker(pullRow("forty"), 0.4)],
  zstd: [],
};

/** Returns the aims for the given images. */
export function pullAims(names: readonly PullImageName[]): Aim[] {
  return names.flatMap((name) => OF_IMAGES[name]);
}
