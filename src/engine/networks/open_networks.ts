/**
 * @module
 * Puts the networks of one engine together.
 */
import type { Log } from "../../log.ts";
import { localPortRange, PortTable } from "../../network/port_table.ts";
import { type MountCalls, readProcFile } from "../../sys/mod.ts";
import type { NetworkEvents } from "../events/network_events.ts";
import type { RunHostCommand } from "../host_command.ts";
import type { EnginePaths } from "../paths.ts";
import { Bridges } from "./bridges.ts";
import { ContainerNetworks } from "./container_networks.ts";
import { Firewall } from "./firewall.ts";
import { networkPrograms } from "./host_programs.ts";
import { Namespaces } from "./namespaces.ts";
import type { StoredNetworks } from "./network.ts";
import type { NetworkTable } from "./network_table.ts";
import { PortPublisher } from "./port_publisher.ts";

const PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

export interface NetworkSurroundings {
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly events: NetworkEvents;
  readonly table: NetworkTable;
  readonly records: StoredNetworks;
  readonly run: RunHostCommand;
  readonly mounts: Pick<MountCalls, "umount2">;
}

/** Nothing is made in the kernel before a container needs it. */
export function openNetworks(
  { paths, log: engineLog, events, table, records, run: runHost, mounts }: NetworkSurroundings,
): ContainerNetworks {
  const log = engineLog.scope("networks");
  const run = networkPrograms(runHost);
  const { engineId } = paths;
  return new ContainerNetworks({
    ...{ log, table, events, records },
    ruleTable: engineId === "" ? "tsd" : `tsd-${engineId}`,
    namespaces: new Namespaces({ paths, run, mounts, log }),
    publisher: new PortPublisher({ table: new PortTable(localPortRange(readProcFile(PORT_RANGE))), log }),
    bridges: (isUsed) => new Bridges({ engineId, log, table, run, isUsed }),
    firewall: (present) => new Firewall(run, present),
  });
}
