import type { PortSummary } from "../../api_types/mod.ts";

/** Consecutive ports that are shown as one range. */
interface Range {
  readonly host: string | undefined;
  readonly type: string;
  readonly first: number;
  last: number;
}

/**
 * Renders the PORTS column: `443/tcp, 127.0.0.1:53->53/udp, 9000-9001/tcp, 0.0.0.0:8080->80/tcp`. Ports without a host port, or
 * with an equal one, are combined to ranges. The others follow, one by one.
 */
export function portList(ports: readonly PortSummary[]): string {
  const ranges = new Map<string, Range>();
  const closed: string[] = [];
  const mapped: string[] = [];
  for (const { IP, PrivatePort, PublicPort, Type } of ports.toSorted(inOrder)) {
    const host = IP === undefined || IP === "" ? undefined : IP;
    if (host !== undefined && PublicPort !== PrivatePort) {
      mapped.push(`${address(host)}:${PublicPort}->${PrivatePort}/${Type}`);
      continue;
    }
    const key = `${host ?? ""}/${Type}`;
    const open = ranges.get(key);
    if (open?.last === PrivatePort - 1) open.last = PrivatePort;
    else {
      if (open !== undefined) closed.push(rangeText(open));
      ranges.set(key, { host, type: Type, first: PrivatePort, last: PrivatePort });
    }
  }
  return [...closed, ...[...ranges.values()].map(rangeText), ...mapped].join(", ");
}

function inOrder(a: PortSummary, b: PortSummary): number {
  const byText = (left = "", right = "") => left === right ? 0 : left < right ? -1 : 1;
  return a.PrivatePort - b.PrivatePort || byText(a.IP, b.IP) || (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    byText(a.Type, b.Type);
}

function rangeText({ host, type, first, last }: Range): string {
  const ports = first === last ? String(first) : `${first}-${last}`;
  return `${host === undefined ? "" : `${address(host)}:${ports}->`}${ports}/${type}`;
}

const address = (ip: string): string => ip.includes(":") ? `[${ip}]` : ip;
