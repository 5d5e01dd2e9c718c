/** All scenarios; each group has a golden file. */
import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { EXEC } from "./exec.ts";
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

export const GROUPS: Readonly<Record<string, readonly Scenario[]>> = {
  run: RUN,
  exec: EXEC,
  image_names: IMAGE_NAMES,
  prune: PRUNE,
  lifecycle: LIFECYCLE,
  ps: PS,
  logs: LOGS,
  events: EVENTS,
  inspect: INSPECT,
  images: IMAGES,
  system: SYSTEM,
  options: OPTIONS,
  update: UPDATE,
};
