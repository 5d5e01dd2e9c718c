import type { Engine, EngineSettings, NetworkParts } from "../engine/mod.ts";
import type { Lease, NetworkRecord, Sandbox } from "../engine/model/network.ts";
import { DnsProcess, selfNames } from "../engine/networks/dns_process.ts";
import type { EmbeddedDnsDeps } from "../engine/networks/embedded_dns.ts";
import { HostsFiles } from "../engine/networks/hosts_files.ts";
import { createNetworks } from "../engine/networks/network_factory.ts";
import { NetworkService } from "../engine/networks/network_service.ts";
import { NetworkTable } from "../engine/networks/network_table.ts";
import { ResolverFiles } from "../engine/networks/resolver_files.ts";
import { NetworkRecords } from "../store/network_records.ts";
import { files, mounts, netlink, processes } from "../sys/mod.ts";
import type { Factories } from "./factories.ts";

const recordsOf = (engine: Engine) => new NetworkRecords<NetworkRecord, Lease, Sandbox>(engine.store.database);

/** Creates networks and the connections of containers to them. */
export function networksFactories({ paths, log, config, program }: EngineSettings): Factories<NetworkParts> {
  const openNames = (engine: Engine): EmbeddedDnsDeps["open"] => {
    if (program === undefined) return selfNames(log);
    const names = new DnsProcess({ paths, log, program, processes, exits: engine.runtime.reaper });
    return (start) => names.open(start);
  };
  return {
    table: (engine) => new NetworkTable(recordsOf(engine)),
    containers: (engine) =>
      createNetworks({
        ...{ calls: { ...files, ...netlink }, epoll: engine.runtime.epoll, defaultBind: config.defaultBind },
        ...{ paths, log, mounts, records: recordsOf(engine), run: engine.runtime.hostExec },
        table: engine.networks.table,
        events: engine.events.networks,
        openNames: openNames(engine),
        container: (id) => engine.containers.table.known(id),
        isShared: (id) =>
          engine.containers.table.list().some((each) => each.isRunning && engine.containers.namespaces.joins(each, id)),
      }),
    service: (engine) =>
      new NetworkService({
        table: engine.networks.table,
        networks: engine.networks.containers,
        containers: engine.containers.table,
        locks: engine.containers.locks,
        events: engine.events.networks,
        hosts: new HostsFiles(paths),
        resolvers: new ResolverFiles(paths),
      }),
  };
}
