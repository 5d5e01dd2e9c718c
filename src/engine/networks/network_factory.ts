/**
 * @module
 * Puts the networks of one engine together.
 */
import type { Log } from "../../log.ts";
import { openPort } from "../../network/port_sockets.ts";
import { localPortRange, PortAllocator } from "../../network/port_allocator.ts";
import { linkKinds, linkMac } from "../../network/links.ts";
import { NftConnection } from "../../network/nft_connection.ts";
import { monitorRules } from "../../network/nft_monitor.ts";
import { type Epoll, type FileCalls, type MountCalls, type NetlinkCalls, readProcFile } from "../../sys/mod.ts";
import { SYSTEM_CLOCK } from "../../async/clock.ts";
import type { NetworkEvents } from "../events/network_events.ts";
import type { HostExec } from "../../runtime/host_exec.ts";
import type { EnginePaths } from "../paths.ts";
import { BridgeDriver } from "./bridge_driver.ts";
import { ContainerNetworks, type ContainerNetworksDeps } from "./container_networks.ts";
import { DockerUserChain } from "./docker_user_chain.ts";
import { Firewall } from "./firewall.ts";
import { Forwarding } from "./forwarding.ts";
import { keepAdvertisedRoutes, reservedSubnets } from "./route_table.ts";
import { networkPrograms } from "./host_programs.ts";
import { machineLock } from "./machine_lock.ts";
import { type DnsRecords, nameTable } from "./dns_records.ts";
import { EmbeddedDns, type EmbeddedDnsDeps } from "./embedded_dns.ts";
import { Namespaces } from "./namespaces.ts";
import type { StoredNetworks } from "../model/network.ts";
import { FirewallMonitor } from "./firewall_monitor.ts";
import type { NetworkTable } from "./network_table.ts";
import { PortMapper } from "./port_mapper.ts";

const PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

export interface NetworkEnvironment {
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly events: NetworkEvents;
  readonly table: NetworkTable;
  readonly records: StoredNetworks;
  readonly run: HostExec;
  readonly mounts: Pick<MountCalls, "mount" | "umount2">;
  /** Opens a way to whoever answers for names. */
  readonly openNames: EmbeddedDnsDeps["open"];
  readonly container: DnsRecords["container"];
  readonly isShared: ContainerNetworksDeps["isShared"];
  readonly calls: NetlinkCalls & Pick<FileCalls, "open" | "close">;
  /** The address that ports without one are published on; empty for everywhere. */
  readonly defaultBind: string;
  readonly epoll: Pick<Epoll, "add" | "modify" | "remove">;
}

/** Nothing is made in the kernel before a container needs it. */
export function createNetworks(surroundings: NetworkEnvironment): ContainerNetworks {
  const { paths, log: engineLog, events, table, records, run: runHost, mounts, calls, epoll } = surroundings;
  const log = engineLog.scope("networks");
  const run = networkPrograms(runHost);
  const { engineId } = paths;
  const ruleTable = engineId === "" ? "tsd" : `tsd-${engineId}`;
  const mark = `/run/.tsd-forwarding-${namespaceNumber()}`;
  const [links, lock] = [() => linkKinds(calls), () => machineLock()];
  const forwarding = {
    4: new Forwarding({ log, mark, links, lock }),
    6: new Forwarding({ log, mark: `${mark}-6`, links, lock, family: 6, before: keepAdvertisedRoutes }),
  };
  return new ContainerNetworks({
    ...{ log, table, events, records, defaultBind: surroundings.defaultBind, isShared: surroundings.isShared },
    ruleTable,
    forwarding,
    namespaces: new Namespaces({ paths, run, mounts, log, files: calls }),
    container: surroundings.container,
    publisher: new PortMapper({
      ...{ table: new PortAllocator(localPortRange(readProcFile(PORT_RANGE))), log },
      open: (port, target, isShared) => openPort(port, target, { log, epoll, isShared }),
      gateways: () => table.list().flatMap(({ record }) => [record.gateway ?? [], record.six?.gateway ?? []].flat()),
    }),
    bridges: (linksOf) =>
      new BridgeDriver({
        ...{ engineId, log, table, run, forwarding, linksOf, lock },
        reserved: (exceptInterface) => reservedSubnets(calls, exceptInterface),
        linkMac: (name) => linkMac(calls, name),
      }),
    names: (endpoints) => {
      const present = () => nameTable({ table, endpoints: endpoints(), container: surroundings.container });
      return new EmbeddedDns({ log, open: surroundings.openNames, present });
    },
    rules: (present) => {
      const kernel = new NftConnection(calls);
      const docker = new DockerUserChain({ log, name: ruleTable, kernel, run: runHost });
      return new FirewallMonitor({
        ...{ log, docker, kernel, clock: SYSTEM_CLOCK },
        firewall: new Firewall({ run, kernel, log, present: () => ({ ...present(), mark: docker.mark }) }),
        hasBridges: () => present().bridges.length > 0,
        watch: (onChange) => monitorRules({ calls, epoll, ownPort: kernel.portId, onChange }),
      });
    },
  });
}

/** Of the network namespace that this process is in. */
const namespaceNumber = (): string => /\d+/.exec(Deno.readLinkSync("/proc/self/ns/net"))![0];
