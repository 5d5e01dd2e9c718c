/**
 * @module
 * Generates the OCI runtime configuration of containers (`config.json`) and of exec processes (`process.json`), with
 * Docker's defaults and Docker's validation, according to the OCI runtime specification 1.0.2.
 *
 * Generation is pure. Its inputs are determined before, by `probeHost` (the machine), `resolveUser` (the image's passwd
 * and group files), `hostDevices` and `resolveDevice` (device nodes). Settings that a machine doesn't support, such as
 * capabilities outside the bounding set or limits above the engine's own, are omitted with a warning and don't fail the
 * container.
 */
export { DEFAULT_CAPABILITIES, normaliseCapabilities } from "./capabilities.ts";
export { type CommandParts, mergeCommand, processArgs } from "./command.ts";
export { parseDeviceRule } from "./devices.ts";
export { DEFAULT_PATH, type EnvDefaults, mergeConfigEnv, mergeEnv, overrideEnv } from "./env.ts";
export { cgroupsPath, type GeneratedSpec, generateSpec } from "./generate.ts";
export type { CgroupFeature, HostInfo } from "./host.ts";
export { maskedAndReadonlyPaths } from "./masked_paths.ts";
export { limitedDevices } from "./block_io.ts";
export { blockDevices, hostDevices, resolveDevice } from "./host_devices.ts";
export { type HostFiles, probeHost } from "./host_probe.ts";
export type * from "./input.ts";
export { cleanPath, DEFAULT_SHM_BYTES } from "./mounts.ts";
export {
  type OciHook,
  type OciHooks,
  ociJson,
  type OciLimits,
  type OciMount,
  type OciProcess,
  type OciSpec,
} from "./oci.ts";
export { type ExecInput, execProcess, type GeneratedProcess } from "./process.ts";
export { changedLimits, usableLimits, validateLimits } from "./resources.ts";
export { rootfsAccountFiles as rootAccountFiles } from "./rootfs_passwd.ts";
export { parseSeccompProfile, type SeccompProfile } from "./seccomp/profile.ts";
export { tmpfsOptions } from "./tmpfs_options.ts";
export { type AccountFiles, type ResolvedUser, resolveUser } from "./user.ts";
export { validateSpecInput } from "./validate.ts";
