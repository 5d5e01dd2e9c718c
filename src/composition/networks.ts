import { NetworkEvents } from "../engine/events/network_events.ts";
import { hostExec } from "../runtime/host_exec.ts";
import { HostsFiles } from "../engine/networks/hosts_files.ts";
import { DnsProcess, selfNames } from "../engine/networks/dns_process.ts";
import type { EmbeddedDnsDeps } from "../engine/networks/embedded_dns.ts";
import type { Lease, NetworkRecord, Sandbox } from "../engine/model/network.ts";
import { NetworkService } from "../engine/networks/network_service.ts";
import { NetworkTable } from "../engine/networks/network_table.ts";
import { createNetworks } from "../engine/networks/network_factory.ts";
import { ResolverFiles } from "../engine/networks/resolver_files.ts";
import { NetworkRecords } from "../store/network_records.ts";
import { files, mounts, netlink, processes } from "../sys/mod.ts";
import { type EngineSettings, type Get, type Provide, TOKENS } from "./tokens.ts";

const recordsOf = (get: Get) => new NetworkRecords<NetworkRecord, Lease, Sandbox>(get(TOKENS.database));

/** Provides networks and the commands that configure them. */
export function provideNetworks(provide: Provide, { paths, log, config, program }: EngineSettings): void {
  const openNames = (get: Get): EmbeddedDnsDeps["open"] => {
    if (program === undefined) return selfNames(log);
    const names = new DnsProcess({ paths, log, program, processes, exits: get(TOKENS.exits) });
    return (start) => names.open(start);
  };
  provide(TOKENS.runHost, (get) => hostExec(processes, get(TOKENS.exits), paths.runDir));
  provide(TOKENS.networkTable, (get) => new NetworkTable(recordsOf(get)));
  provide(TOKENS.networkEvents, (get) => new NetworkEvents(get(TOKENS.events)));
  provide(TOKENS.networks, (get) =>
    createNetworks({
      ...{ calls: { ...files, ...netlink }, epoll: get(TOKENS.epoll), defaultBind: config.defaultBind },
      ...{ paths, log, mounts, records: recordsOf(get), run: get(TOKENS.runHost) },
      table: get(TOKENS.networkTable),
      events: get(TOKENS.networkEvents),
      openNames: openNames(get),
      container: (id) => get(TOKENS.table).known(id),
      isShared: (id) =>
        get(TOKENS.table).list().some((each) => each.isRunning && get(TOKENS.namespaces).joins(each, id)),
    }));
  provide(TOKENS.networkService, (get) =>
    new NetworkService({
      table: get(TOKENS.networkTable),
      networks: get(TOKENS.networks),
      containers: get(TOKENS.table),
      locks: get(TOKENS.containerLocks),
      events: get(TOKENS.networkEvents),
      hosts: new HostsFiles(paths),
      resolvers: new ResolverFiles(paths),
    }));
}
