import type { PortBinding, PortMap } from "../../api_types/mod.ts";
import { defineCommand, StatusError, UsageError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { readUint16 } from "../opts/flag_values.ts";

/** `tsd port`. */
export const port = defineCommand({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: { min: 1, max: 2 },
  flags: {},
  examples: [{ line: "port web 80", note: "Where the host listens for the container's port 80" }],
  async run({ terminal, engine }: CommandContext, { args: [name, requested] }) {
    const { NetworkSettings: { Ports: ports } } = await engine.containers.get(name).inspect();
    const lines = requested === undefined ? allPorts(ports) : onePort(ports, requested, name);
    if (lines.length > 0) await terminal.out(`${lines.toSorted(compareNaturally).join("\n")}\n`);
    return 0;
  },
});

function allPorts(ports: PortMap): string[] {
  return Object.entries(ports).flatMap(([from, bindings]) =>
    (bindings ?? []).map((binding) => `${from} -> ${address(binding)}`)
  );
}

function onePort(ports: PortMap, requested: string, container: string): string[] {
  const [number, protocol] = requested.split("/");
  requirePort(number);
  const bindings = ports[`${number}/${protocol || "tcp"}`] ?? [];
  if (bindings.length > 0) return bindings.map(address);
  throw new StatusError(`Error: No public port '${requested}' published for ${container}`);
}

function requirePort(text: string): void {
  try {
    readUint16(text);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new StatusError(`Error: invalid port (${text}): ${thrown.message}`);
  }
}

const address = ({ HostIp: host, HostPort: port }: PortBinding): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Compares in natural order: `9/tcp` comes before `80/tcp`. */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (const [at, part] of left!.entries()) {
    const other = right![at];
    if (other === undefined) return 1;
    if (part === other) continue;
    if (/^\d/.test(part) && /^\d/.test(other)) return Number(part) - Number(other) || part.length - other.length;
    return part < other ? -1 : 1;
  }
  return left!.length - right!.length;
}
