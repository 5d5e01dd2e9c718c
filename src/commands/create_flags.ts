import type { FlagSpecs, FlagValues } from "../cli/mod.ts";

/** Flags that `create` and `run` share. Each has its place in the create request; see `create_request.ts`. */
export const CREATE_FLAGS = {
  attach: { type: "list", short: "a", help: "Attach to STDIN, STDOUT or STDERR" },
  "cap-add": { type: "list", help: "Add Linux capabilities" },
  "cap-drop": { type: "list", help: "Drop Linux capabilities" },
  cidfile: { type: "string", help: "Write the container ID to the file" },
  entrypoint: { type: "string", help: "Overwrite the default ENTRYPOINT of the image" },
  env: { type: "list", short: "e", help: "Set environment variables" },
  "env-file": { type: "list", help: "Read in a file of environment variables" },
  hostname: { type: "string", short: "h", help: "Container host name" },
  interactive: { type: "bool", short: "i", help: "Keep STDIN open even if not attached" },
  label: { type: "list", short: "l", help: "Set meta data on a container" },
  "log-driver": { type: "string", help: "Logging driver for the container: json-file or none" },
  "log-opt": { type: "list", help: "Log driver options: max-size=SIZE, max-file=N, compress, labels, env, tag" },
  name: { type: "string", help: "Assign a name to the container" },
  network: { type: "string", aliases: ["net"], help: "Connect a container to a network: host or none" },
  platform: { type: "string", help: "Set platform if the image has several" },
  privileged: { type: "bool", help: "Give extended privileges to this container" },
  pull: { type: "string", default: "missing", help: 'Pull image before creating ("always", "missing", "never")' },
  quiet: { type: "bool", short: "q", help: "Suppress the pull output" },
  "read-only": { type: "bool", help: "Mount the container's root filesystem as read only" },
  rm: { type: "bool", help: "Automatically remove the container when it exits" },
  "stop-signal": { type: "string", help: "Signal to stop the container" },
  "stop-timeout": { type: "int", help: "Timeout (in seconds) to stop a container" },
  tmpfs: { type: "list", help: "Mount a tmpfs directory: TARGET[:OPTIONS]" },
  tty: { type: "bool", short: "t", help: "Allocate a pseudo-TTY" },
  user: { type: "string", short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
  volume: { type: "list", short: "v", help: "Bind mount a folder or file: SOURCE:TARGET[:OPTIONS]" },
  workdir: { type: "string", short: "w", help: "Working directory inside the container" },
} as const satisfies FlagSpecs;

/** Their values. */
export type CreateFlagValues = FlagValues<typeof CREATE_FLAGS>;
