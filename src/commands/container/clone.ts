import type { ContainerCreateRequest, HostConfig } from "../../api_types/mod.ts";
import { defineCommand, type FlagSpecs, type FlagValues, UsageError } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import type { CommandContext } from "../context.ts";
import { environmentStrings } from "../opts/env.ts";
import { splitPair } from "../opts/flag_values.ts";
import { checkLabel } from "../opts/label.ts";
import { type MadeContainer, madeContainer } from "../inspect_as_run/inspected_container.ts";
import { LIMIT_FLAGS } from "./resource_flags.ts";
import { given, limits } from "./resource_request.ts";
import { restartPolicy } from "./supervision_request.ts";

const CLONE_FLAGS = {
  ...LIMIT_FLAGS,
  destroy: { type: "bool", help: "Remove the original container" },
  env: { type: "list", short: "e", help: "Set environment variables, over those of the original" },
  force: { type: "bool", short: "f", help: "With --destroy: also when it is running" },
  label: { type: "list", short: "l", check: checkLabel, help: "Set meta data, over that of the original" },
  name: { type: "string", help: "Name of the new container (default NAME-clone)" },
  restart: { type: "string", help: "Restart policy to apply when the new container exits" },
  run: { type: "bool", help: "Start the new container" },
} as const satisfies FlagSpecs;

/** `tsd container clone`. Docker has no such command; podman has. */
export const containerClone = defineCommand({
  usage: "[OPTIONS] CONTAINER [NAME [IMAGE]]",
  args: { min: 1, max: 3 },
  flags: CLONE_FLAGS,
  examples: [
    { line: "container clone web web2", note: "Another container with the same settings" },
    { line: "container clone --run -m 1g -e DEBUG=1 web debug", note: "With more memory and another environment" },
    { line: "container clone --destroy --force --run db db-new postgres:17", note: "The same on a newer image" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [original, name, image], flags }) {
    if (name !== undefined && flags.name !== undefined) {
      throw new UsageError("conflicting options: give the new name as an argument or with --name");
    }
    if (flags.force && !flags.destroy) throw new UsageError("--force is for --destroy");
    const made = await madeContainer(engine, await engine.containers.get(original).inspect());
    const request = cloneRequest({ ...made, image: image ?? made.image }, flags, (each) => terminal.env(each));
    const named = flags.name ?? name ?? await freeName(engine, made.name);
    const { Id, Warnings } = await engine.containers.create(request, { name: named });
    for (const warning of Warnings ?? []) await terminal.err(`WARNING: ${warning}\n`);
    if (flags.destroy) await engine.containers.get(original).remove({ force: flags.force });
    await terminal.out(`${Id}\n`);
    if (flags.run) await engine.containers.get(Id).start();
    return 0;
  },
});

/** Returns the body of the request that creates the clone. @throws {UsageError} */
export function cloneRequest(
  { image, config, hostConfig, endpoints }: MadeContainer,
  flags: FlagValues<typeof CLONE_FLAGS>,
  env: (name: string) => string | undefined,
): ContainerCreateRequest {
  const policy = restartPolicy({ restart: flags.restart, rm: false });
  return {
    ...config,
    Image: image,
    Env: overridden(config.Env ?? [], environmentStrings(flags.env, env)),
    Labels: { ...config.Labels, ...Object.fromEntries(flags.label.map(splitPair)) },
    ...endpoints && { NetworkingConfig: { EndpointsConfig: endpoints } },
    HostConfig: given<HostConfig>({
      ...withoutConflicts(hostConfig, flags),
      ...limits(flags),
      ...(policy && { RestartPolicy: policy }),
    }),
  };
}

/** Merges environments: new variables replace those of the same name. */
function overridden(before: readonly string[], now: readonly string[]): string[] {
  const names = new Set(now.map((entry) => splitPair(entry)[0]));
  return [...before.filter((entry) => !names.has(splitPair(entry)[0])), ...now];
}

/**
 * Removes settings that conflict with new ones: of CPU count and CPU quota the new one wins, and a new memory limit discards a
 * swap limit that belongs to the old one.
 */
function withoutConflicts(host: HostConfig, flags: FlagValues<typeof CLONE_FLAGS>): HostConfig {
  const { NanoCpus, CpuPeriod, CpuQuota, MemorySwap, ...rest } = host;
  const isQuotaGiven = flags["cpu-period"] !== undefined || flags["cpu-quota"] !== undefined;
  return {
    ...rest,
    ...(isQuotaGiven ? {} : { NanoCpus }),
    ...(flags.cpus === undefined ? { CpuPeriod, CpuQuota } : {}),
    ...(flags.memory === undefined || MemorySwap === -1 ? { MemorySwap } : {}),
  };
}

/** Returns the first unused name of `web-clone`, `web-clone1`, … */
async function freeName(engine: Client, original: string): Promise<string> {
  const taken = new Set((await engine.containers.list({ all: true })).flatMap(({ Names }) => Names));
  for (let count = 0;; count++) {
    const name = `${original}-clone${count || ""}`;
    if (!taken.has(`/${name}`)) return name;
  }
}
