/** All scenarios; each group has a golden file. */
import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { EXEC } from "./exec.ts";
import { FILES } from "./files.ts";
import { IMAGE_ARCHIVES } from "./image_archives.ts";
import { IMAGE_NAMES } from "./image_names.ts";
import { PRUNE } from "./prune.ts";
import { IMAGES } from "./images.ts";
import { INSPECT } from "./inspect.ts";
import { LIFECYCLE } from "./lifecycle.ts";
import { LOGS } from "./logs.ts";
import { OPTIONS } from "./options.ts";
import { PS } from "./ps.ts";
import { RUN } from "./run.ts";
import { SYSTEM } from "./system.ts";
import { UPDATE } from "./update.ts";
import { NETWORKS } from "./networks.ts";
import { VOLUMES } from "./volumes.ts";

const ALL: Readonly<Record<string, readonly Scenario[]>> = {
  run: RUN,
  exec: EXEC,
  image_names: IMAGE_NAMES,
  image_archives: IMAGE_ARCHIVES,
  prune: PRUNE,
  lifecycle: LIFECYCLE,
  ps: PS,
  logs: LOGS,
  events: EVENTS,
  inspect: INSPECT,
  images: IMAGES,
  system: SYSTEM,
  options: OPTIONS,
  files: FILES,
  update: UPDATE,
  volumes: VOLUMES,
  networks: NETWORKS,
};

/** The groups that TSD_TRANSCRIPTS names (`files,update`), by default all. */
export const GROUPS: Readonly<Record<string, readonly Scenario[]>> = chosen(Deno.env.get("TSD_TRANSCRIPTS") ?? "");

function chosen(names: string): Readonly<Record<string, readonly Scenario[]>> {
  if (names === "") return ALL;
  return Object.fromEntries(
    names.split(",").map((name) => {
      const scenarios = ALL[name];
      if (scenarios === undefined) throw new Error(`TSD_TRANSCRIPTS: there is no group ${name}`);
      return [name, scenarios];
    }),
  );
}
