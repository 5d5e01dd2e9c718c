import type { FlagSpecs, FlagValues } from "../../cli/mod.ts";
import { checkSysctl } from "../opts/sysctl.ts";

/** Flags for a container's isolation from the host: namespaces, capabilities, devices and security options. */
export const ISOLATION_FLAGS = {
  annotation: {
    type: "list",
    valueName: "map",
    help: "Add an annotation to the container (passed to the OCI runtime)",
  },
  "cap-add": { type: "list", help: "Add Linux capabilities" },
  "cap-drop": { type: "list", help: "Drop Linux capabilities" },
  cgroupns: {
    type: "string",
    help: "Cgroup namespace to use: host or private (default private, host on cgroup v1)",
  },
  device: { type: "list", help: "Add a host device to the container: PATH[:CONTAINER-PATH][:rwm]" },
  "group-add": { type: "list", help: "Add additional groups to join" },
  ipc: { type: "string", help: "IPC mode to use: private, shareable, host, none or container:NAME (default private)" },
  isolation: { type: "string", help: "Container isolation technology: default" },
  pid: { type: "string", help: "PID namespace to use: host or container:NAME" },
  privileged: { type: "bool", help: "Give extended privileges to this container" },
  "read-only": { type: "bool", help: "Mount the container's root filesystem as read only" },
  runtime: { type: "string", help: "Runtime to use for this container" },
  "security-opt": {
    type: "list",
    help: "Security options: no-new-privileges, seccomp=unconfined|FILE, systempaths=unconfined, apparmor=PROFILE, " +
      "writable-cgroups=true",
  },
  sysctl: { type: "list", valueName: "map", check: checkSysctl, help: "Sysctl options" },
  userns: { type: "string", help: "User namespace to use: host" },
  uts: { type: "string", help: "UTS namespace to use: host" },
} as const satisfies FlagSpecs;

export type IsolationFlagValues = FlagValues<typeof ISOLATION_FLAGS>;
