/**
 * @module
 * Schemas of plugins' answers, by hook. An empty answer changes nothing.
 */
import { appended, choice, flag, keyed, list, map, object, optional, text, whole } from "./schema.ts";

/** Answer of a sequential hook. */
export const REFUSAL = object({
  refuse: optional(text("Why the step must not be done; without it the step goes on.")),
});

/** Answer of a selective hook. */
export const RETAINED = list(text("An id of the context."), "What is to stay.");

export const OTHER_REFERENCE = object({
  reference: text("Where the content is fetched from instead. A digest that was asked for stays asked for."),
});

export const CREDENTIALS = object({
  username: optional(text("Goes with `password`.")),
  password: optional(text("Goes with `username`.")),
  identityToken: optional(text("Instead of a password.")),
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
  path: text("Absolute path of a program."),
  args: optional(list(text("A word."), "Its command line, with its name first.")),
  env: optional(list(text("`NAME=value`."), "Its environment.")),
  timeout: optional(whole("Longest time, in seconds.")),
});

const stage = (about: string) => optional(appended(ociHook, about));

const hooks = object({
  prestart: stage("Before the process, in the runtime's namespaces (old name of `createRuntime`)."),
  createRuntime: stage("Namespaces are there, the root isn't changed yet."),
  createContainer: stage("The same, in the container's namespaces."),
  startContainer: stage("In the container, right before its process."),
  poststart: stage("The process runs."),
  poststop: stage("The container has ended and is taken away."),
});

const resources = object({
  memoryBytes: optional(whole("Limit of memory.")),
  memorySwapBytes: optional(whole("Limit of memory and swap together; -1 for none.")),
  memoryReservationBytes: optional(whole("Soft limit of memory.")),
  nanoCpus: optional(whole("CPUs, in billionths.")),
  cpuShares: optional(whole("Weight among others.")),
  cpusetCpus: optional(text("Which CPUs: `0-3`.")),
  pidsLimit: optional(whole("Most processes; -1 for no limit.")),
});

/** What a plugin can change about a container before it is created. */
export const CONTAINER_PATCH = object({
  args: optional(list(text("A word."), "Another command line.")),
  env: optional(map(text("A variable's value."), "Variables to set.")),
  labels: optional(map(text("A label's value."), "Labels to set.")),
  annotations: optional(map(text("An annotation's value."), "Annotations to set.")),
  mounts: optional(keyed(
    object({
      type: choice(["bind", "volume", "tmpfs"], "What is mounted."),
      source: optional(text("A path on the host, or a volume's name.")),
      target: text("A path in the container."),
      readOnly: optional(flag("Whether it can't be written to.")),
    }),
    "target",
    "Further mounts.",
  )),
  devices: optional(keyed(
    object({
      path: text("Path on the host."),
      target: text("Path in the container."),
      permissions: optional(text("`r`, `w`, `m`; all of them if left out.")),
    }),
    "target",
    "Further devices.",
  )),
  resources: optional(resources),
  hooks: optional(hooks),
});
