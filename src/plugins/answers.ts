/**
 * @module
 * Schemas of plugins' answers, by hook. An empty answer changes nothing.
 */
import { appended, choice, flag, keyed, list, map, object, optional, text, whole } from "./schema.ts";

/** Answer of a sequential hook. */
export const REFUSAL = object({
  refuse: optional(text("The reason to refuse the step; without it the step continues.")),
});

/** Answer of a selective hook. */
export const RETAINED = list(text("An id from the context."), "Ids to retain.");

export const OTHER_REFERENCE = object({
  reference: text("The reference to fetch the content from instead. A requested digest still applies."),
});

export const CREDENTIALS = object({
  username: optional(text("Requires `password`.")),
  password: optional(text("Requires `username`.")),
  identityToken: optional(text("Used instead of a password.")),
});

/** Stages of a container's lifecycle at which the runtime runs OCI hooks (OCI runtime spec, "POSIX-platform Hooks"). */
export const STAGES = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

export type Stage = typeof STAGES[number];

const ociHook = object({
  path: text("Absolute path of the program."),
  args: optional(list(text("An argument."), "Its arguments, starting with its name.")),
  env: optional(list(text("`NAME=value`."), "Its environment.")),
  timeout: optional(whole("Timeout in seconds.")),
});

const stage = (about: string) => optional(appended(ociHook, about));

const hooks = object({
  prestart: stage("Before the process is started, in the runtime's namespaces (old name of `createRuntime`)."),
  createRuntime: stage("After the namespaces were created, before the root file system is changed."),
  createContainer: stage("At the same time, in the container's namespaces."),
  startContainer: stage("In the container, right before its process is executed."),
  poststart: stage("After the process was started."),
  poststop: stage("After the container was deleted."),
});

const resources = object({
  memoryBytes: optional(whole("Memory limit in bytes.")),
  memorySwapBytes: optional(whole("Limit of memory and swap together in bytes; -1 for none.")),
  memoryReservationBytes: optional(whole("Soft memory limit in bytes.")),
  nanoCpus: optional(whole("CPUs in billionths.")),
  cpuShares: optional(whole("Relative CPU weight.")),
  cpusetCpus: optional(text("The CPUs to use: `0-3`.")),
  pidsLimit: optional(whole("Maximum number of processes; -1 for no limit.")),
});

/** What a plugin can change about a container before it is created. */
export const CONTAINER_PATCH = object({
  args: optional(list(text("An argument."), "Replaces the command line.")),
  env: optional(map(text("A variable's value."), "Variables to set.")),
  labels: optional(map(text("A label's value."), "Labels to set.")),
  annotations: optional(map(text("An annotation's value."), "Annotations to set.")),
  mounts: optional(keyed(
    object({
      type: choice(["bind", "volume", "tmpfs"], "Type of the mount."),
      source: optional(text("A path on the host, or a volume's name.")),
      target: text("A path in the container."),
      readOnly: optional(flag("Whether it is mounted read-only.")),
    }),
    "target",
    "Additional mounts.",
  )),
  devices: optional(keyed(
    object({
      path: text("Path on the host."),
      target: text("Path in the container."),
      permissions: optional(text("Any of `r`, `w`, `m`; all of them if omitted.")),
    }),
    "target",
    "Additional devices.",
  )),
  resources: optional(resources),
  hooks: optional(hooks),
});
