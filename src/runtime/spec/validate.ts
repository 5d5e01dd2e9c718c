/**
 * @module
 * Validates the settings of a container before anything is created for it, with Docker's error messages.
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

/**
 * Validates the settings that don't depend on the root filesystem, the user or files of the host.
 * @throws {TsdError} invalid_argument
 */
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
    reject(`Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (shmSizeBytes < 0) reject("SHM size can not be less than 0");
  if (Object.hasOwn(annotations, "")) {
    reject("invalid Annotations: the empty string is not permitted as an annotation key");
  }
}

function validateStart({ args, cwd, env }: SpecSettings): void {
  if (args.length === 0) reject("no command specified");
  if (!cwd.startsWith("/")) reject(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  for (const entry of env) {
    if (entry === "" || entry.startsWith("=")) reject(`invalid environment variable: ${entry}`);
  }
  if ([...args, ...env, cwd].some((text) => text.includes("\0"))) {
    reject("Arguments, environment and working directory cannot hold a NUL byte");
  }
}

function reject(message: string): never {
  throw new TsdError("invalid_argument", message);
}
