/**
 * @module
 * Generates the OCI runtime configuration of a container, as a pure function of {@link SpecInput}.
 */
import { TsdError } from "../../errors.ts";
import { deviceNodes, deviceRules } from "./devices.ts";
import { maskedAndReadonlyPaths } from "./masked_paths.ts";
import type { SpecInput } from "./input.ts";
import { INIT_PATH, mounts, rootfsPropagation } from "./mounts.ts";
import { namespaces, sysctls } from "./namespaces.ts";
import { OCI_VERSION, type OciLinux, type OciSeccomp, type OciSpec } from "./oci.ts";
import { processSection } from "./process.ts";
import { ociLimits, usableLimits } from "./resources.ts";
import { resolveSeccompProfile } from "./seccomp/profile.ts";
import { defaultSeccomp } from "./seccomp/resolve.ts";
import { validateSpecInput } from "./validate.ts";

/** The annotation for the signal that stops a container (image-spec `conversion.md`). */
const STOP_SIGNAL_ANNOTATION = "org.opencontainers.image.stopSignal";

/** Docker's text. */
const NO_CGROUP_NAMESPACES = "Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded.";

/** A configuration, and warnings for the user about settings that this machine doesn't support. */
export interface GeneratedSpec {
  readonly spec: OciSpec;
  readonly warnings: readonly string[];
}

/** Returns the cgroup path of a container: `/tsd/ID`, or `/tsd-ENGINE/ID` for an engine with an id. */
export function cgroupsPath(containerId: string, engineId?: string): string {
  return engineId === undefined ? `/tsd/${containerId}` : `/tsd-${engineId}/${containerId}`;
}

/** Generates `config.json`. @throws {TsdError} invalid_argument, see `validateSpecInput` */
export function generateSpec(input: SpecInput): GeneratedSpec {
  validateSpecInput(input);
  const { process, warnings } = processSection({ ...input, args: argsWithInit(input) });
  const limits = usableLimits(input.resources ?? {}, input.host.cgroupFeatures);
  const seccomp = seccompFilter(input, process.capabilities.bounding);
  const annotations = allAnnotations(input);
  const namespaceWarnings = input.cgroupns === "private" && !input.host.cgroupNamespaces ? [NO_CGROUP_NAMESPACES] : [];
  const spec: OciSpec = {
    ociVersion: OCI_VERSION,
    process,
    root: { path: input.rootPath, readonly: input.readonlyRootfs },
    ...input.uts === "host" ? {} : { hostname: input.hostname },
    mounts: mounts(input),
    ...Object.keys(annotations).length > 0 ? { annotations } : {},
    linux: linuxSection(input, ociLimits(limits.limits, input.blockDevices), seccomp.filter),
  };
  return { spec, warnings: [...warnings, ...limits.warnings, ...seccomp.warnings, ...namespaceWarnings] };
}

function linuxSection(input: SpecInput, limits: ReturnType<typeof ociLimits>, seccomp?: OciSeccomp): OciLinux {
  const { devices = [] } = input;
  const values = sysctls(input);
  const propagation = rootfsPropagation(input.mounts);
  return {
    cgroupsPath: input.cgroupsPath,
    namespaces: namespaces(input),
    devices: deviceNodes(devices),
    resources: { devices: deviceRules(input), ...limits },
    ...Object.keys(values).length > 0 ? { sysctl: values } : {},
    ...seccomp === undefined ? {} : { seccomp },
    ...propagation === undefined ? {} : { rootfsPropagation: propagation },
    ...maskedAndReadonlyPaths(input),
  };
}

/** Prepends the init program, which is useful only as PID 1 and so only in a private PID namespace. */
function argsWithInit({ args, init, pid }: SpecInput): readonly string[] {
  return init && pid === "private" ? [INIT_PATH, "--", ...args] : args;
}

function allAnnotations({ annotations, stopSignal }: SpecInput): Record<string, string> {
  return { ...stopSignal === undefined ? {} : { [STOP_SIGNAL_ANNOTATION]: stopSignal }, ...annotations };
}

function seccompFilter(
  { seccomp, privileged, host }: SpecInput,
  capabilities: readonly string[],
): { readonly filter?: OciSeccomp; readonly warnings: readonly string[] } {
  if (seccomp === "unconfined" || (seccomp === "default" && privileged)) return { warnings: [] };
  if (!host.seccomp && seccomp !== "default") {
    const message = "seccomp is not enabled in your kernel, cannot run a custom seccomp profile";
    throw new TsdError("invalid_argument", message);
  }
  if (!host.seccomp) {
    return { warnings: ["seccomp is not enabled in your kernel, running container without default profile"] };
  }
  const context = { ...host, capabilities };
  const filter = seccomp === "default" ? defaultSeccomp(context) : resolveSeccompProfile(seccomp, context);
  return { ...filter === undefined ? {} : { filter }, warnings: [] };
}
