/**
 * @module
 * Applies the patches of plugins to the request for a new container, and validates the result like a client's request.
 */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { ContainerPatch } from "../../plugins/mod.ts";
import type { OciHooks } from "../../runtime/spec/mod.ts";
import { type CreateRequest, parseCreateRequest } from "../model/create_request.ts";

/** A request with the parts that Docker's has no field for. */
export interface PatchedRequest extends CreateRequest {
  readonly ociHooks?: OciHooks;
}

/** Applies a patch. @throws {TsdError} invalid_argument, not_implemented if the result is not a valid request */
export function patchedRequest({ config, hostConfig, networks }: CreateRequest, patch: ContainerPatch): PatchedRequest {
  const body = { ...patchedConfig(config, patch), HostConfig: patchedHostConfig(hostConfig, patch) };
  const { hooks } = patch;
  if (hooks !== undefined) checkHooks(hooks);
  const checked = parseCreateRequest(body);
  // Patches don't contain networks.
  return { ...checked, networks, ...hooks !== undefined && { ociHooks: hooks } };
}

function patchedConfig(config: ContainerConfig, { args, env, labels }: ContainerPatch): ContainerConfig {
  if (args?.length === 0) throw new TsdError("invalid_argument", "no command specified");
  return {
    ...config,
    ...args !== undefined && { Entrypoint: args.slice(0, 1), Cmd: args.slice(1) },
    ...env !== undefined && { Env: withVariables(config.Env ?? [], env) },
    ...labels !== undefined && { Labels: { ...config.Labels, ...labels } },
  };
}

function withVariables(before: readonly string[], set: Readonly<Record<string, string>>): string[] {
  const odd = Object.keys(set).find((name) => name === "" || name.includes("="));
  if (odd !== undefined) throw new TsdError("invalid_argument", `invalid environment variable: ${odd}`);
  const others = before.filter((variable) => !Object.hasOwn(set, variable.split("=", 1)[0]!));
  return [...others, ...Object.entries(set).map(([name, value]) => `${name}=${value}`)];
}

function patchedHostConfig(
  host: HostConfig,
  { annotations, mounts = [], devices = [], resources = {} }: ContainerPatch,
): HostConfig {
  const further = mounts.map(({ type: Type, source: Source, target: Target, readOnly: ReadOnly = false }) => ({
    ...{ Type, Target, ReadOnly },
    ...Source !== undefined && { Source },
  }));
  const furtherDevices = devices.map(({ path, target, permissions = "rwm" }) => ({
    ...{ PathOnHost: path, PathInContainer: target, CgroupPermissions: permissions },
  }));
  const limits: Partial<HostConfig> = {
    Memory: resources.memoryBytes,
    MemorySwap: resources.memorySwapBytes,
    MemoryReservation: resources.memoryReservationBytes,
    NanoCpus: resources.nanoCpus,
    CpuShares: resources.cpuShares,
    CpusetCpus: resources.cpusetCpus,
    PidsLimit: resources.pidsLimit,
  };
  return {
    ...host,
    ...annotations !== undefined && { Annotations: { ...host.Annotations, ...annotations } },
    ...further.length > 0 && { Mounts: [...host.Mounts ?? [], ...further] },
    ...furtherDevices.length > 0 && { Devices: [...host.Devices ?? [], ...furtherDevices] },
    ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
  };
}

/** Validates OCI hooks as the runtime does, which would report errors at the start only. */
function checkHooks(hooks: OciHooks): void {
  for (const [stage, all] of Object.entries(hooks)) {
    for (const { path, timeout } of all ?? []) {
      if (!path.startsWith("/")) {
        throw new TsdError("invalid_argument", `invalid ${stage} hook: ${path} is no absolute path`);
      }
      if (timeout !== undefined && timeout <= 0) {
        throw new TsdError("invalid_argument", `invalid ${stage} hook: its timeout is ${timeout}`);
      }
    }
  }
}
