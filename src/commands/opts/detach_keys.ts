import type { FlagSpecs } from "../../cli/mod.ts";

/** The `--detach-keys` flag of `run`, `start`, `exec` and `attach`. */
export const DETACH_KEYS_FLAG = {
  "detach-keys": {
    type: "string",
    help: 'Override the key sequence for detaching a container (default "ctrl-p,ctrl-q")',
  },
} as const satisfies FlagSpecs;
