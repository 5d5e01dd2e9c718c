import type { FlagSpecs, RefusedFlag } from "../../cli/mod.ts";

const WINDOWS = "it is for Windows only";
const KERNEL = "the kernel has no such limit any more";
const EXPERIMENT = "it is an experiment of Docker's";
const SWARM = "it is for a Swarm";
const NO_VALUE: ReadonlySet<string> = new Set([
  ...["cluster", "config-only", "disable-content-trust", "ingress", "ipv4", "tree", "use-api-socket"],
]);

/** Unsupported flags of docker's `run`, with the reason; an empty string means "not yet". */
const OF_CONTAINERS: Readonly<Record<string, string>> = {
  "cpu-count": WINDOWS,
  "cpu-percent": WINDOWS,
  "cpu-rt-period": "",
  "cpu-rt-runtime": "",
  "disable-content-trust": "signatures of images are not checked",
  gpus: "",
  "io-maxbandwidth": WINDOWS,
  "io-maxiops": WINDOWS,
  "kernel-memory": KERNEL,
  link: "",
  "link-local-ip": "",
  "storage-opt": "",
  "use-api-socket": "",
};

/** Flags of docker's `volume create` that apply only to Swarm. */
export const CLUSTER_FLAGS: readonly string[] = [
  ...["availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing", "topology-preferred"],
  ...["topology-required", "type"],
];

const REASONS: Readonly<Record<string, string>> = {
  ...OF_CONTAINERS,
  ...Object.fromEntries(["cluster", ...CLUSTER_FLAGS].map((name) => [name, SWARM])),
  checkpoint: EXPERIMENT,
  "checkpoint-dir": EXPERIMENT,
  tree: EXPERIMENT,
  "config-from": SWARM,
  "config-only": SWARM,
  "driver-opt": "",
  ingress: SWARM,
  "ipam-driver": "",
  "ipam-opt": "",
  ipv4: "",
};

/** The unsupported flags of `run`, which are refused with the reason. */
export const REFUSED_FLAGS: FlagSpecs = refusedFlags(Object.keys(OF_CONTAINERS));

/** Returns the specs of unsupported flags by their names. */
export function refusedFlags(names: readonly string[]): FlagSpecs {
  return Object.fromEntries(names.map((name): [string, RefusedFlag] => [name, {
    type: "refused",
    hidden: true,
    takesValue: !NO_VALUE.has(name),
    help: REASONS[name],
  }]));
}
