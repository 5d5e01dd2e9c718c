/** All scenarios; each group has a golden file. */
import type { Scenario } from "../scenario.ts";
import { EXEC } from "./exec.ts";
import { RUN } from "./run.ts";

export const GROUPS: Readonly<Record<string, readonly Scenario[]>> = {
  run: RUN,
  exec: EXEC,
};
