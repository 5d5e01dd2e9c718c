import { formatSubnet } from "../../network/address.ts";
import type { RuledBridge, RuledPort } from "../../network/ruleset.ts";
import { hasNames } from "./dns_records.ts";
import { portName } from "./open_ports.ts";
import type { Bridge } from "./bridge_driver.ts";
import type { Sandbox } from "../model/network.ts";

/** What of a bridge the rules are made from. */
export const bridgeRules = ({ name, subnet, gateway, six, network, options }: Bridge): RuledBridge => ({
  ...{ name, subnet: formatSubnet(subnet), six: six && formatSubnet(six.subnet) },
  ...{ internal: network.record.internal ?? false },
  ...{ connectsContainers: options.connectsContainers, masquerades: options.masquerades },
  nameServers: hasNames(network) ? [gateway, ...six ? [six.gateway] : []] : [],
});

/** Where the ports of running containers lead; nowhere for one without a way out. */
export function portRules(
  sandboxes: ReadonlyMap<string, Sandbox>,
  targetOf: (containerId: string) => { readonly address: string | undefined; readonly six: string | undefined },
): RuledPort[] {
  return [...sandboxes].flatMap(([id, { ports }]) => {
    const { address, six } = targetOf(id);
    return address === undefined ? [] : ports.map((port) => ({ ...port, address, six }));
  });
}

/** How many there are, where a port on the addresses of both versions is one. */
export const countPorts = (ports: readonly RuledPort[]): number =>
  new Set(ports.map(({ protocol, hostPort, address }) => [protocol, hostPort, address].join())).size;

/** Ports that lead elsewhere now, or nowhere. */
export function goneOf(before: readonly RuledPort[], now: readonly RuledPort[]): RuledPort[] {
  const name = (port: RuledPort) => [portName(port), port.address, port.six, port.containerPort].join();
  const left = new Set(now.map(name));
  return before.filter((port) => !left.has(name(port)));
}
