import type { ContainerUpdateRequest } from "../api/wire/mod.ts";
import { defineCommand, type FlagSpecs, PlainError, printableLine } from "../cli/mod.ts";
import { updateContainer } from "../client/container_steps.ts";
import type { CommandContext } from "./context.ts";
import { refusedFlags } from "./refused_flags.ts";
import { LIMIT_FLAGS } from "./resource_flags.ts";
import { limits } from "./resource_request.ts";
import { restartPolicy } from "./supervision_request.ts";
import { forEachTarget } from "./targets.ts";

const UPDATE_FLAGS = {
  ...LIMIT_FLAGS,
  restart: {
    type: "string",
    help: "When to start it again after its end: no, always, unless-stopped, on-failure[:MAX-RETRIES]",
  },
} as const satisfies FlagSpecs;

/** `tsd update`. */
export const update = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: { ...UPDATE_FLAGS, ...refusedFlags(["cpu-rt-period", "cpu-rt-runtime", "kernel-memory"]) },
  examples: [
    { line: "update -m 1g --memory-swap 2g --cpus 1.5 db", note: "More room, at once and for later starts" },
    { line: "update --restart unless-stopped web worker", note: "Start them again after failures and reboots" },
  ],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const given = Object.keys(UPDATE_FLAGS).some((name) => flags[name as keyof typeof UPDATE_FLAGS] !== undefined);
    if (!given) throw new PlainError("you must provide one or more flags when using this command");
    const body: ContainerUpdateRequest = limits(flags);
    const policy = restartPolicy({ restart: flags.restart, rm: false });
    if (policy !== undefined) body.RestartPolicy = policy;
    const warnings: string[] = [];
    const code = await forEachTarget(terminal, args, async (name) => {
      warnings.push(...(await updateContainer(engine, name, body)).Warnings ?? []);
    });
    // As with docker they are part of the output.
    for (const warning of warnings) await terminal.out(`${printableLine(warning)}\n`);
    return code;
  },
});
