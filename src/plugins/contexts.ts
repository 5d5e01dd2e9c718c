/**
 * @module
 * Schemas of the contexts that hooks are called with: frozen snapshots of plain JSON.
 */
import { choice, flag, json, list, map, object, optional, text, whole } from "./schema.ts";

const labels = map(text("A label's value."), "Labels, by name.");

/** An image reference before it is resolved by a registry. */
export const REFERENCE = object({
  reference: text("In full: `docker.io/library/alpine:3`."),
  registry: text("The registry's host: `docker.io`."),
  repository: text("`library/alpine`."),
});

export const IMAGE = object({
  reference: text("`docker.io/library/alpine:3`, in full; the id of an image of an archive that has no name."),
  source: text(
    "What the content came from: the reference, what `registry.resolve` named instead, or `archive` for a loaded image.",
  ),
  id: text("The image's id."),
  digest: text("Digest of what the reference pointed at; of an image of an archive that of its manifest."),
  layers: list(text("A diffID."), "diffIDs, lowest layer first."),
  labels,
});

export const PULLED_IMAGE = object({
  ...IMAGE.fields,
  downloadedBytes: whole("Content that had to be fetched, compressed."),
});

const container = {
  id: text("The container's id."),
  name: text("The container's name."),
  image: text("The image's name as the caller wrote it."),
  imageId: text("The image's id."),
  labels,
} as const;

export const CONTAINER = object(container);

const mount = object({
  type: text("`bind`, `volume` or `tmpfs`."),
  source: optional(text("A path on the host, or a volume's name.")),
  target: text("A path in the container."),
  readOnly: flag("Whether it can't be written to."),
});

export const NEW_CONTAINER = object({
  ...container,
  name: text("The container's name; empty at `container.create` where it gets one later."),
  args: list(text("A word."), "The command line: entry point and arguments, the image's included."),
  env: map(text("A variable's value."), "Environment, the image's included."),
  mounts: list(mount, "What is mounted in it."),
  annotations: map(text("An annotation's value."), "Annotations for the runtime, by name."),
  user: text("Whom it runs as; empty for root."),
  privileged: flag("Whether it may do everything."),
  networkMode: text("`bridge`, `host`, `none`, `container:ID` or a network's name."),
});

export const STARTED_CONTAINER = object({
  ...container,
  pid: whole("Its first process, on this machine."),
  replayed: flag("It has been running before the plugin was loaded."),
});

export const EXITED_CONTAINER = object({
  ...container,
  exitCode: whole("Exit code of its first process."),
  ranMs: whole("How long it ran, in ms."),
  oomKilled: flag("Whether the kernel killed it for want of memory."),
});

export const CONNECTED_CONTAINER = object({
  ...container,
  netns: text("Path of its network namespace."),
  networks: list(
    object({
      name: text("The network's name."),
      interface: text("The interface's name in the container."),
      address: text("IPv4 address."),
      prefix: whole("Length of the subnet's prefix."),
      gateway: text("Address of the way out; may be empty."),
      mac: text("Hardware address."),
    }),
    "What it is connected to.",
  ),
});

export const EXEC = object({
  ...container,
  command: list(text("A word."), "The command line."),
  user: text("Whom it runs as; empty for the container's user."),
  workingDir: text("Where; empty for the container's."),
  tty: flag("Whether it has a terminal."),
  privileged: flag("Whether it may do everything."),
});

export const HEALTH = object({
  ...container,
  status: choice(["starting", "healthy", "unhealthy"], "What it is now."),
  before: choice(["starting", "healthy", "unhealthy"], "What it was."),
  failingStreak: whole("Failed checks in a row."),
});

export const VOLUME = object({
  name: text("The volume's name."),
  labels,
});

const prunedThing = object({
  kind: text("`container`, `image`, …"),
  id: text("Its id, which is what an answer names."),
  names: list(text("A name."), "Those that it has; an image may have none."),
  labels,
  why: text("Why it counts as unused, in words."),
  bytes: whole("What is freed, in bytes."),
});

export const PRUNE = object({ things: list(prunedThing, "In the order in which they go.") });

export const LOG_LINE = object({
  ...container,
  stream: choice(["stdout", "stderr"], "Where it was written to."),
  line: text("The line without its end, cut off after 4 KiB."),
});

export const API_REQUEST = object({
  method: text("`GET`, `POST`, …"),
  path: text("As it was sent, without the version's prefix: `/containers/web/start`."),
  route: text("The pattern that fits: `/containers/{id}/start`."),
  params: map(text("A parameter's value."), "Parameters of the pattern, decoded, by name."),
  query: map(list(text("A value."), "Values, in order."), "Parameters, by name."),
  headers: map(text("A header's value."), "In lower case, without those that carry secrets."),
  body: optional(text("The whole body; left out where there is none.")),
  bodyEncoding: choice(
    ["none", "text", "base64", "secret"],
    "How the body is given. `secret`: it is a password (`/auth`), and stays out.",
  ),
});

export const API_ANSWER = object({
  method: text("`GET`, `POST`, …"),
  route: text("The route's pattern: `/containers/{id}/start`; empty where none fits."),
  status: whole("HTTP status."),
  durationMs: whole("Until its answer began, in ms."),
});

/** A value in a plugin's storage. */
export const STORED = json("A value of up to 64 KiB.");
