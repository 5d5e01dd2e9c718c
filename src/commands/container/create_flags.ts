import type { FlagSpecs, FlagValues } from "../../cli/mod.ts";
import { ISOLATION_FLAGS } from "./isolation_flags.ts";
import { checkLabel } from "../opts/label.ts";
import { parseMount } from "../opts/mount.ts";
import { NAME_FLAGS } from "./name_flags.ts";
import { RESOURCE_FLAGS } from "./resource_flags.ts";

/** Validates a mount. Errors don't depend on the working directory, so any will do. */
function checkMount(text: string): string {
  parseMount(text, "/");
  return text;
}

const DURATION = { type: "string", valueName: "duration" } as const;

/** Flags that `create` and `run` share. `create_request.ts` converts each to a field of the create request. */
export const CREATE_FLAGS = {
  ...ISOLATION_FLAGS,
  ...NAME_FLAGS,
  ...RESOURCE_FLAGS,
  attach: { type: "list", short: "a", help: "Attach to STDIN, STDOUT or STDERR" },
  cidfile: { type: "string", help: "Write the container ID to the file" },
  entrypoint: { type: "string", help: "Overwrite the default ENTRYPOINT of the image" },
  env: { type: "list", short: "e", help: "Set environment variables" },
  "env-file": { type: "list", help: "Read in a file of environment variables" },
  "health-cmd": { type: "string", help: "Command to run to check health" },
  "health-interval": { ...DURATION, help: "Time between running the check (ms|s|m|h) (default 30s)" },
  "health-on-failure": {
    type: "string",
    help: "What to do with a container that turns unhealthy: none, kill, restart or stop (default none)",
  },
  "health-retries": { type: "int", help: "Consecutive failures needed to report unhealthy (default 3)" },
  "health-start-interval": {
    ...DURATION,
    help: "Time between running the check during the start period (ms|s|m|h) (default 5s)",
  },
  "health-start-period": {
    ...DURATION,
    help: "Time for the container to start up before failures count (ms|s|m|h) (default 0s)",
  },
  "health-timeout": { ...DURATION, help: "Maximum time to allow one check to run (ms|s|m|h) (default 30s)" },
  init: { type: "bool", help: "Run an init inside the container that forwards signals and reaps processes" },
  interactive: { type: "bool", short: "i", help: "Keep STDIN open even if not attached" },
  label: { type: "list", short: "l", check: checkLabel, help: "Set meta data on a container" },
  "label-file": { type: "list", help: "Read in a line delimited file of labels" },
  "log-driver": { type: "string", help: "Logging driver for the container: json-file or none" },
  "log-opt": { type: "list", help: "Log driver options: max-size=SIZE, max-file=N, compress, labels, env, tag" },
  mount: {
    type: "list",
    valueName: "mount",
    check: checkMount,
    help: "Attach a filesystem mount to the container: type=bind|volume|tmpfs,src=SOURCE,dst=PATH[,OPTION...]",
  },
  name: { type: "string", help: "Assign a name to the container" },
  "no-healthcheck": { type: "bool", help: "Disable any container-specified HEALTHCHECK" },
  platform: { type: "string", help: "Set platform if the image has several" },
  pull: { type: "string", default: "missing", help: 'Pull image before creating ("always", "missing", "never")' },
  quiet: { type: "bool", short: "q", help: "Suppress the pull output" },
  restart: {
    type: "string",
    help: "When to start it again after its end: no, always, unless-stopped, on-failure[:MAX-RETRIES] (default no)",
  },
  rm: { type: "bool", help: "Automatically remove the container when it exits" },
  "stop-signal": { type: "string", help: "Signal to stop the container" },
  "stop-timeout": { type: "int", help: "Timeout (in seconds) to stop a container" },
  tmpfs: { type: "list", help: "Mount a tmpfs directory: TARGET[:OPTIONS]" },
  tty: { type: "bool", short: "t", help: "Allocate a pseudo-TTY" },
  user: { type: "string", short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
  volume: { type: "list", short: "v", help: "Mount a volume, folder or file: [SOURCE:]TARGET[:OPTIONS]" },
  "volume-driver": { type: "string", help: "Volume driver for the container: local" },
  "volumes-from": { type: "list", help: "Mount volumes from the specified container(s): CONTAINER[:ro]" },
  workdir: { type: "string", short: "w", help: "Working directory inside the container" },
} as const satisfies FlagSpecs;

/** Flags that require the client's own process: those that read or write files or use the caller's terminal. */
export const CREATE_IN_OWN_PROCESS: readonly (keyof typeof CREATE_FLAGS)[] = [
  ...["interactive", "tty", "cidfile", "env-file", "label-file", "security-opt"] as const,
];

/** The parsed values of {@link CREATE_FLAGS}. */
export type CreateFlagValues = FlagValues<typeof CREATE_FLAGS>;
