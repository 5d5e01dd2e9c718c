import type { ContainerUpdateRequest } from "../../api_types/mod.ts";
import { defineCommand, type FlagSpecs, printableLine, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { portBindings, publishedPortName } from "../opts/port.ts";
import { refusedFlags } from "./refused_flags.ts";
import { LIMIT_FLAGS } from "./resource_flags.ts";
import { limits } from "./resource_request.ts";
import { restartPolicy } from "./supervision_request.ts";
import { forEachTarget } from "./for_each_target.ts";

const UPDATE_FLAGS = {
  ...LIMIT_FLAGS,
  "publish-add": {
    type: "list",
    valueName: "port",
    help: "Publish a port, also while it runs; in the forms of run -p. Not in Docker",
  },
  "publish-rm": {
    type: "list",
    valueName: "port",
    help: "Take a published port back: [ADDRESS:]HOSTPORT[:CONTAINERPORT][/PROTOCOL]. Not in Docker",
  },
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
    { line: "update --publish-add 8081:80 --publish-rm 8080 web", note: "Move a port while it runs, at once" },
    { line: "update --publish-rm :53/udp dns", note: "Whatever led to its port 53" },
  ],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const { "publish-add": added, "publish-rm": removed } = flags;
    const given = Object.keys(UPDATE_FLAGS).some((name) => {
      const value = flags[name as keyof typeof UPDATE_FLAGS];
      return Array.isArray(value) ? value.length > 0 : value !== undefined;
    });
    if (!given) throw new StatusError("you must provide one or more flags when using this command");
    const body: ContainerUpdateRequest = limits(flags);
    const policy = restartPolicy({ restart: flags.restart, rm: false });
    if (policy !== undefined) body.RestartPolicy = policy;
    if (added.length > 0) body.PublishAdd = portBindings(added);
    if (removed.length > 0) body.PublishRemove = removed.map(publishedPortName);
    const warnings: string[] = [];
    const code = await forEachTarget(terminal, args, async (name) => {
      warnings.push(...(await engine.containers.get(name).update(body)).Warnings ?? []);
    });
    // As in docker, warnings are part of the output.
    for (const warning of warnings) await terminal.out(`${printableLine(warning)}\n`);
    return code;
  },
});
