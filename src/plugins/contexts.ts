/**
 * @module
 * Schemas of the contexts that hooks are called with: frozen snapshots of plain JSON.
 */
import { choice, flag, json, list, map, object, optional, text, whole } from "./schema.ts";

const labels = map(text("A label's value."), "Labels by name.");

/** An image reference before it is resolved by a registry. */
export const REFERENCE = object({
  reference: text("The full reference: `docker.io/library/alpine:3`."),
  registry: text("The registry's host: `docker.io`."),
  repository: text("The repository: `library/alpine`."),
});

export const IMAGE = object({
  reference: text("The full reference, `docker.io/library/alpine:3`; the id of a loaded image without a name."),
  source: text(
    "The source of the content: the reference, the answer of `registry.resolve`, or `archive` for a loaded image.",
  ),
  id: text("The image's id."),
  digest: text("Digest that the reference resolved to; for a loaded image that of its manifest."),
  layers: list(text("A diffID."), "DiffIDs of the layers, lowest first."),
  labels,
});

export const PULLED_IMAGE = object({
  ...IMAGE.fields,
  downloadedBytes: whole("Compressed bytes that were downloaded."),
});

const container = {
  id: text("The container's id."),
  name: text("The container's name."),
  image: text("The image's name as written by the client."),
  imageId: text("The image's id."),
  labels,
} as const;

export const CONTAINER = object(container);

const mount = object({
  type: text("`bind`, `volume` or `tmpfs`."),
  source: optional(text("A path on the host, or a volume's name.")),
  target: text("A path in the container."),
  readOnly: flag("Whether it is mounted read-only."),
});

export const NEW_CONTAINER = object({
  ...container,
  name: text("The container's name; empty at `container.create` if it will be generated."),
  args: list(text("An argument."), "The command line: entrypoint and arguments, including those from the image."),
  env: map(text("A variable's value."), "Environment, including the image's."),
  mounts: list(mount, "The container's mounts."),
  annotations: map(text("An annotation's value."), "Annotations for the runtime by name."),
  user: text("The user that it runs as; empty for root."),
  privileged: flag("Whether it is privileged."),
  networkMode: text("`bridge`, `host`, `none`, `container:ID` or a network's name."),
});

export const STARTED_CONTAINER = object({
  ...container,
  pid: whole("Id of its first process on the host."),
  replayed: flag("Whether it was running before the plugin was loaded."),
});

export const EXITED_CONTAINER = object({
  ...container,
  exitCode: whole("Exit code of its first process."),
  ranMs: whole("How long it ran, in ms."),
  oomKilled: flag("Whether the kernel's OOM killer killed it."),
});

export const CONNECTED_CONTAINER = object({
  ...container,
  netns: text("Path of its network namespace."),
  networks: list(
    object({
      name: text("The network's name."),
      interface: text("The interface's name in the container."),
      address: text("IPv4 address."),
      prefix: whole("Prefix length of the subnet."),
      gateway: text("Address of the gateway; may be empty."),
      mac: text("MAC address."),
    }),
    "The networks that it is connected to.",
  ),
});

export const EXEC = object({
  ...container,
  command: list(text("An argument."), "The command line."),
  user: text("The user that it runs as; empty for the container's."),
  workingDir: text("The working directory; empty for the container's."),
  tty: flag("Whether it has a terminal."),
  privileged: flag("Whether it is privileged."),
});

export const HEALTH = object({
  ...container,
  status: choice(["starting", "healthy", "unhealthy"], "The new status."),
  before: choice(["starting", "healthy", "unhealthy"], "The previous status."),
  failingStreak: whole("Number of failed checks in a row."),
});

export const VOLUME = object({
  name: text("The volume's name."),
  labels,
});

const prunedThing = object({
  kind: text("`container`, `image`, …"),
  id: text("Its id, for the answer."),
  names: list(text("A name."), "Its names; an image may have none."),
  labels,
  why: text("Why it counts as unused."),
  bytes: whole("Bytes that its removal frees."),
});

export const PRUNE = object({ things: list(prunedThing, "In the order of their removal.") });

export const LOG_LINE = object({
  ...container,
  stream: choice(["stdout", "stderr"], "The stream that it was written to."),
  line: text("The line without its line break, truncated to 4 KiB."),
});

export const API_REQUEST = object({
  method: text("`GET`, `POST`, …"),
  path: text("As sent, without the version prefix: `/containers/web/start`."),
  route: text("Pattern of the matching route: `/containers/{id}/start`."),
  params: map(text("A parameter's value."), "Decoded path parameters by name."),
  query: map(list(text("A value."), "Values in order."), "Query parameters by name."),
  headers: map(text("A header's value."), "Headers by lower-case name, without those that carry secrets."),
  body: optional(text("The whole body; omitted if there is none.")),
  bodyEncoding: choice(
    ["none", "text", "base64", "secret"],
    "Encoding of `body`. `secret`: it may contain secrets, such as a password (`/auth`), and is omitted.",
  ),
});

export const API_ANSWER = object({
  method: text("`GET`, `POST`, …"),
  route: text("Pattern of the route: `/containers/{id}/start`; empty if none matches."),
  status: whole("HTTP status."),
  durationMs: whole("Time until the response began, in ms."),
});

/** A value in a plugin's storage. */
export const STORED = json("A value of up to 64 KiB.");
