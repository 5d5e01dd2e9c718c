/** All scenarios; each group has a golden file. */
import type { Scenario } from "../scenario.ts";
import { EXEC } from "./exec.ts";
import { IMAGE_NAMES } from "./image_names.ts";
import { PRUNE } from "./prune.ts";
import { RUN } from "./run.ts";

export const GROUPS: Readonly<Record<string, readonly Scenario[]>> = {
  run: RUN,
  exec: EXEC,
  image_names: IMAGE_NAMES,
  prune: PRUNE,
};
