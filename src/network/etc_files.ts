/**
 * @module
 * Contents of a container's `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf` (hostname(5), hosts(5),
 * resolv.conf(5)). Pure: the caller reads the host's files and writes the results.
 */
import { TsdError } from "../errors.ts";

/** The kind of network that the container is connected to. */
export type NetworkKind = "host" | "none" | "bridge";

export interface EtcFilesInput {
  readonly network: NetworkKind;
  /** The container's addresses; empty without a network. */
  readonly addresses: readonly string[];
  /** The address that `host-gateway` is replaced by, if there is one. */
  readonly hostGateway: string | undefined;
  readonly hostname: string;
  readonly domainname: string;
  /** `--add-host name:address`. */
  readonly extraHosts: readonly string[];
  /** Address of the embedded DNS server; undefined if the container's networks have none. */
  readonly nameServer: string | undefined;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Contents of the host's files. */
  readonly hostHosts: string;
  readonly hostResolvConf: string;
}

export interface EtcFileContents {
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
}

const LOCAL_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/**
 * Generates all three files.
 * @throws {TsdError} invalid_argument
 */
export function etcFiles(input: EtcFilesInput): EtcFileContents {
  return { hostname: `${input.hostname}\n`, hosts: hosts(input), resolvConf: resolvConf(input) };
}

function hosts(input: EtcFilesInput): string {
  const extra = input.extraHosts.map((text) => parseExtraHost(text, input.hostGateway));
  const base = input.network === "host" ? [input.hostHosts.trimEnd()] : [...LOCAL_HOSTS, ...selfNames(input)];
  return [...base, ...extra].join("\n") + "\n";
}

/** Maps the container's hostname to its addresses; to a loopback address if it has none. */
function selfNames({ hostname, domainname, addresses }: EtcFilesInput): string[] {
  const names = domainname === "" ? hostname : `${hostname}.${domainname} ${hostname}`;
  return (addresses.length === 0 ? ["127.0.1.1"] : addresses).map((address) => `${address}\t${names}`);
}

function parseExtraHost(text: string, gateway: string | undefined): string {
  const [name, given] = split(text);
  const address = given === "host-gateway" ? gateway : given;
  if (address === undefined) {
    throw new TsdError("invalid_argument", "unable to derive the IP value for host-gateway");
  }
  if (name === "" || !/^[0-9a-fA-F.:]+$/.test(address)) {
    throw new TsdError("invalid_argument", `bad format for add-host: ${JSON.stringify(text)}`);
  }
  return `${address}\t${name}`;
}

/** Splits `name:address` or `name=address`. IPv6 addresses contain colons and may be in brackets. */
function split(text: string): [string, string] {
  const at = text.search(/[:=]/);
  return at < 0 ? ["", ""] : [text.slice(0, at), text.slice(at + 1).replace(/^\[(.*)\]$/, "$1")];
}

/** Generates the container's `/etc/resolv.conf`. */
export function resolvConf(input: ResolvConfInput): string {
  const { network, nameServer, dns, dnsSearch, dnsOptions, hostResolvConf } = input;
  const keep = (keyword: string, given: readonly string[]) =>
    given.length > 0 ? [] : hostResolvConf.split("\n").filter((line) => line.trim().startsWith(keyword));
  const given = [...dns.map((server) => `nameserver ${server}`), ...keep("nameserver", dns)];
  const servers = nameServer !== undefined
    ? embeddedServers(nameServer, dns)
    : network === "bridge" && dns.length === 0
    ? reachable(given)
    : given;
  const options = [
    ...(dnsOptions.length > 0 ? [`options ${dnsOptions.join(" ")}`] : []),
    ...keep("options", dnsOptions),
  ];
  const lines = [
    ...servers,
    ...searchLine(dnsSearch),
    ...keep("search", dnsSearch),
    ...nameServer === undefined ? options : withNdotsZero(options),
  ];
  return lines.map((line) => `${line.trim()}\n`).join("");
}

/** The input that `/etc/resolv.conf` depends on. */
export type ResolvConfInput = Pick<
  EtcFilesInput,
  "network" | "nameServer" | "dns" | "dnsSearch" | "dnsOptions" | "hostResolvConf"
>;

/**
 * The embedded DNS server forwards to the requested servers. A requested loopback address is the container's own and
 * can be reached from within it only, so it stays in the file.
 */
function embeddedServers(nameServer: string, dns: readonly string[]): string[] {
  return [nameServer, ...dns.filter((server) => LOOPBACK.test(server))].map((server) => `nameserver ${server}`);
}

/** Like Docker, sets `ndots:0`: names of containers are looked up as they are, before search domains are applied. */
function withNdotsZero(options: readonly string[]): string[] {
  if (options.some((line) => /\bndots:/.test(line))) return [...options];
  const [first = "options", ...others] = options;
  return [`${first.trim()} ndots:0`, ...others];
}

const LOOPBACK = /^(127\.|::1$)/;

/**
 * Leaves out the host's loopback addresses, which mean the container itself inside of it. Without any server left, uses
 * Docker's public defaults.
 */
function reachable(servers: readonly string[]): string[] {
  const found = servers.filter((line) => !/^\s*nameserver\s+(127\.|::1(\s|$))/.test(line));
  return found.length > 0 ? found : ["nameserver 8.8.8.8", "nameserver 8.8.4.4"];
}

/** `--dns-search .` means no search domain. */
function searchLine(domains: readonly string[]): string[] {
  return domains.length === 0 || (domains.length === 1 && domains[0] === ".") ? [] : [`search ${domains.join(" ")}`];
}
