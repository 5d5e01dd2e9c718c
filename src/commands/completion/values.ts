/**
 * Completion candidates for flag values and arguments that don't come from the engine.
 */

/** The shells for which there are scripts. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const PRUNE_FILTERS = ["label=", "label!=", "until="];

/** Values of flags. The key `command flag` takes precedence over `flag`. */
export const FLAG_VALUES: Readonly<Record<string, readonly string[]>> = {
  format: ["json", "table"],
  "inspect format": ["json"],
  as: ["run"],
  restart: ["no", "always", "on-failure", "unless-stopped"],
  pull: ["missing", "always", "never"],
  network: ["bridge", "host", "none"],
  type: ["container", "image", "network", "volume"],
  "log-driver": ["json-file", "none"],
  signal: ["TERM", "KILL", "HUP", "INT", "QUIT", "USR1", "USR2", "STOP", "CONT"],
  "stop-signal": ["TERM", "KILL", "HUP", "INT", "QUIT", "USR1", "USR2"],
  platform: ["linux/amd64", "linux/arm64"],
  pid: ["host", "container:"],
  ipc: ["private", "shareable", "host", "none", "container:"],
  uts: ["host"],
  cgroupns: ["private", "host"],
  "security-opt": ["no-new-privileges", "seccomp=unconfined", "systempaths=unconfined", "writable-cgroups=true"],
  "ps filter": [
    ...["id=", "name=", "label=", "status=", "exited=", "ancestor=", "before=", "since=", "volume=", "network="],
    ...["publish=", "expose=", "health="],
  ],
  "images filter": ["dangling=", "label=", "reference=", "before=", "since=", "until="],
  "network ls filter": ["dangling=", "driver=", "id=", "label=", "name=", "scope=local", "type=custom", "type=builtin"],
  "network prune filter": PRUNE_FILTERS,
  "volume ls filter": ["dangling=", "driver=", "label=", "name="],
  "prune filter": PRUNE_FILTERS,
  "container prune filter": PRUNE_FILTERS,
  "image prune filter": PRUNE_FILTERS,
  "volume prune filter": ["label=", "label!="],
  "events filter": ["container=", "image=", "network=", "volume=", "event=", "type=", "label="],
};

/** Flags whose values are file names. */
export const FILE_FLAGS: ReadonlySet<string> = new Set([
  ...["env-file", "label-file", "cidfile", "volume", "device", "data-root", "output", "input", "file"],
]);

/** Arguments that are file names. */
export const FILE_ARGUMENTS: ReadonlySet<string> = new Set(["FILE", "PATH", "file"]);

/** Verbs that apply only to running containers. */
export const RUNNING_ONLY: ReadonlySet<string> = new Set(["attach", "exec", "kill", "pause", "stats", "stop", "top"]);
