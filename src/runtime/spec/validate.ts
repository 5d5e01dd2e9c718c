/**
 * @module
 * What can be said to be wrong with a container before anything is made for it, in Docker's words.
 */
import { TsdError } from "../../errors.ts";
import { normaliseCapabilities } from "./capabilities.ts";
import { parseDeviceRule } from "./devices.ts";
import type { SpecSettings } from "./input.ts";
import { validateMounts } from "./mounts.ts";
import { validateSysctls } from "./namespaces.ts";
import { validateLimits } from "./resources.ts";
import { validateUlimit } from "./rlimits.ts";

const OOM_SCORE_LIMIT = 1000;

/** Checks settings that need no root file system, user or file of the host. @throws invalid_argument */
export function validateSpecInput(input: SpecSettings): void {
  validateStart(input);
  normaliseCapabilities(input.capAdd ?? [], "CapAdd");
  normaliseCapabilities(input.capDrop ?? [], "CapDrop");
  validateMounts(input);
  validateLimits(input.resources ?? {}, input.host);
  validateSysctls(input);
  input.deviceCgroupRules?.forEach(parseDeviceRule);
  input.ulimits?.forEach(validateUlimit);
  const { oomScoreAdj = 0, shmSizeBytes = 0, annotations = {} } = input;
  if (Math.abs(oomScoreAdj) > OOM_SCORE_LIMIT) {
    refuse(`Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (shmSizeBytes < 0) refuse("SHM size can not be less than 0");
  if (Object.hasOwn(annotations, "")) {
    refuse("invalid Annotations: the empty string is not permitted as an annotation key");
  }
}

function validateStart({ args, cwd, env }: SpecSettings): void {
  if (args.length === 0) refuse("no command specified");
  if (!cwd.startsWith("/")) refuse(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  for (const entry of env) {
    if (entry === "" || entry.startsWith("=")) refuse(`invalid environment variable: ${entry}`);
  }
  if ([...args, ...env, cwd].some((text) => text.includes("\0"))) {
    refuse("Arguments, environment and working directory cannot hold a NUL byte");
  }
}

function refuse(message: string): never {
  throw new TsdError("invalid_argument", message);
}
