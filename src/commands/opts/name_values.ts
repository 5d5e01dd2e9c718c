/** Validates names, addresses and ports on the command line, with the docker CLI's checks and messages. */
import { UsageError } from "../../cli/mod.ts";

const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(${LABEL}(?:\\.${LABEL})*)\\.?\\s*$`);
const MAX_DOMAIN_LENGTH = 255;
const MAX_PORT = 65_535;
const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/** Validates an IP address and returns it without surrounding spaces. @throws {UsageError} */
export function checkAddress(text: string): string {
  const address = text.trim();
  if (isAddress(address)) return address;
  throw new UsageError(`IP address is not correctly formatted: ${text}`);
}

/** Validates a search domain, or `.` for none. @throws {UsageError} */
export function checkDomain(text: string): string {
  const domain = text.trim();
  if (domain === ".") return domain;
  const name = DOMAIN.exec(domain)?.[1] ?? "";
  if (/[a-zA-Z]/.test(domain) && name !== "" && name.length < MAX_DOMAIN_LENGTH) return name;
  throw new UsageError(`${domain} is not a valid domain`);
}

/** Validates `name:address` or `name=address` and returns it as `name:address`. @throws {UsageError} */
export function checkExtraHost(text: string): string {
  const at = text.includes("=") ? text.indexOf("=") : text.indexOf(":");
  const name = text.slice(0, Math.max(at, 0));
  if (name === "" || name.includes(":")) throw new UsageError(`bad format for add-host: ${JSON.stringify(text)}`);
  const given = text.slice(at + 1);
  if (given === "host-gateway") return `${name}:${given}`;
  const address = given.replace(/^\[(.+)\]$/, "$1");
  if (isAddress(address.trim())) return `${name}:${address}`;
  throw new UsageError(`invalid IP address in add-host: ${JSON.stringify(address)}`);
}

/** Expands `80`, `80/udp` and `8000-8010/tcp` to single ports with their protocols. @throws {UsageError} */
export function exposedPorts(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    if (text.includes(":")) throw new UsageError(`invalid port format for --expose: ${text}`);
    const [range, given] = text.split("/");
    const protocol = (given || "tcp").toLowerCase();
    const [first, last] = portRange(text, range);
    if (!PROTOCOLS.has(protocol)) {
      throw new UsageError(`invalid proto: ${given}`);
    }
    const count = last - first + 1;
    return Array.from({ length: count }, (_, index) => `${first + index}/${protocol}`);
  });
}

function portRange(text: string, range: string): [first: number, last: number] {
  const invalid = (why: string) => new UsageError(`invalid range format for --expose: ${text}, error: ${why}`);
  if (range === "") throw invalid("empty string specified for ports");
  const [from, to = from] = range.split("-", 2);
  const port = (digits: string): number => {
    const why = !/^\d+$/.test(digits) ? "invalid syntax" : Number(digits) > MAX_PORT ? "value out of range" : undefined;
    if (why === undefined) return Number(digits);
    throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(digits)}: ${why}`);
  };
  const [first, last] = [port(from), port(to)];
  if (last < first) throw invalid(`invalid range specified for port: ${range}`);
  return [first, last];
}

/** Returns whether a text is an IPv4 address without leading zeros or an IPv6 address without a zone. */
export function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    return text.split(".").every((part) => Number(part) <= 255 && String(Number(part)) === part);
  }
  return text.includes(":") && /^[0-9a-fA-F:.]+$/.test(text) && URL.parse(`http://[${text}]/`) !== null;
}
