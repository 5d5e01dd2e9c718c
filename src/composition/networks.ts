import { NetworkEvents } from "../engine/events/network_events.ts";
import { hostCommand } from "../engine/host_command.ts";
import { openNetworks } from "../engine/networks/open_networks.ts";
import type { Lease, NetworkRecord, Sandbox } from "../engine/networks/network.ts";
import { NetworkRecords } from "../store/network_records.ts";
import { mounts, processes } from "../sys/mod.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Networks, and the programs that make them. */
export function provideNetworks(provide: Provide, { paths, log }: EngineSettings): void {
  provide(TOKENS.runHost, (get) => hostCommand(processes, get(TOKENS.exits), paths.runDir));
  provide(TOKENS.networks, (get) => {
    const records = new NetworkRecords<NetworkRecord, Lease, Sandbox>(get(TOKENS.database));
    const events = new NetworkEvents(get(TOKENS.events));
    return openNetworks({ paths, log, mounts, records, events, run: get(TOKENS.runHost) });
  });
}
