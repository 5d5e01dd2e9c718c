/** Parses `-p` with the docker CLI's formats, checks and messages, and the names of published ports to remove. */
import type { PortBinding, PortMap, PublishedPortName } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { isAddress } from "./name_values.ts";

const MAX_PORT = 65_535;
const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/**
 * Parses ports to publish: `80`, `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]::80`, `8000-8010:80`, `8000-8001:80-81`, and
 * `published=8080,target=80,protocol=udp`. @throws {UsageError}
 */
export function portBindings(texts: readonly string[]): PortMap {
  const map: Record<string, PortBinding[]> = {};
  for (const text of texts) {
    for (const [port, binding] of publication(text.includes("=") ? fromPairs(text) : text)) {
      (map[port] ??= []).push(binding);
    }
  }
  return map;
}

/**
 * Parses the name of published ports: `8080`, `8080/udp`, `8080:80`, `127.0.0.1:8080`, `[::1]:8080:80`, `:80` (any host port
 * that leads to it), each also with ranges.
 * @throws {UsageError}
 */
export function publishedPortName(text: string): PublishedPortName {
  const form = /^(?:(\[[^\]]*\]|\d+(?:\.\d+){3}):)?([\d-]*)(?::([\d-]*))?(?:\/(\w+))?$/.exec(text);
  const [, given = "", HostPort = "", ContainerPort = "", protocol = "tcp"] = form ?? [];
  const HostIp = given.replace(/^\[(.*)\]$/, "$1");
  if (HostPort === "" && ContainerPort === "") {
    throw new UsageError(`invalid published port ${text}: give [ADDRESS:]HOSTPORT[:CONTAINERPORT][/PROTOCOL]`);
  }
  if (HostIp !== "" && !isAddress(HostIp)) throw new UsageError(`invalid IP address: ${HostIp}`);
  if (!PROTOCOLS.has(protocol.toLowerCase())) throw new UsageError(`invalid proto: ${protocol}`);
  if (HostPort !== "") range(HostPort, "hostPort");
  if (ContainerPort !== "") range(ContainerPort, "containerPort");
  const name = { HostIp, HostPort, ContainerPort, Protocol: protocol.toLowerCase() };
  return Object.fromEntries(Object.entries(name).filter(([, value]) => value !== ""));
}

/** Converts `published=…,target=…,protocol=…` to the colon-separated form. @throws {UsageError} */
function fromPairs(text: string): string {
  const values = new Map([["protocol", "tcp"]]);
  for (const pair of text.split(",")) {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`invalid publish opts format (should be name=value but got '${pair}')`);
    values.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return `${values.get("published") ?? ""}:${values.get("target") ?? ""}/${values.get("protocol")}`;
}

function publication(text: string): [port: string, binding: PortBinding][] {
  const { address, hostPorts, containerPorts, protocol } = parts(text);
  if (containerPorts === "") throw new UsageError(`no port specified: ${text}<empty>`);
  const [first, last] = range(containerPorts, "containerPort");
  const [hostFirst, hostLast] = hostPorts === "" ? [undefined, undefined] : range(hostPorts, "hostPort");
  if (hostFirst !== undefined && first !== last && last - first !== hostLast - hostFirst) {
    const ranges = `${containerPorts} and ${hostPorts}`;
    throw new UsageError(`invalid ranges specified for container and host Ports: ${ranges}`);
  }
  if (!PROTOCOLS.has(protocol.toLowerCase())) throw new UsageError(`invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, at) => {
    // One container port with a range of host ports: any of them.
    const isAny = first === last && hostFirst !== hostLast;
    const hostPort = hostFirst === undefined ? "" : isAny ? `${hostFirst}-${hostLast}` : String(hostFirst + at);
    return [`${first + at}/${protocol.toLowerCase()}`, { HostIp: address, HostPort: hostPort }];
  });
}

function parts(text: string) {
  const words = text.split(":");
  const [port = "", protocol = "tcp", ...more] = words.pop()!.split("/");
  const hostPorts = words.pop() ?? "";
  const given = words.join(":");
  const address = given.replace(/^\[(.*)\]$/, "$1");
  if (more.length > 0) throw new UsageError(`invalid containerPort: ${[port, protocol, ...more].join("/")}`);
  if (given.includes(":") && address === given) {
    throw new UsageError(`invalid IP address ${given}: address ${given}:: too many colons in address`);
  }
  if (address !== "" && !isAddress(address)) throw new UsageError(`invalid IP address: ${address}`);
  return { address, hostPorts, containerPorts: port, protocol: protocol || "tcp" };
}

function range(text: string, what: "containerPort" | "hostPort"): [first: number, last: number] {
  const [, from = "", to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from !== "" && last <= MAX_PORT && first <= last) return [first, last];
  throw new UsageError(`invalid ${what}: ${text}`);
}
