/**
 * @module
 * What running containers have of networks now, and the rules that are made of it. Shared by those who change it.
 */
import type { Family } from "../../network/address.ts";
import type { RuledPort, Ruleset } from "../../network/ruleset.ts";
import type { BridgeDriver } from "./bridge_driver.ts";
import type { Forwarding } from "./forwarding.ts";
import { Ipam } from "./ipam.ts";
import type { Network, Sandbox, StoredNetworks } from "../model/network.ts";
import type { FirewallMonitor } from "./firewall_monitor.ts";
import type { NetworkTable } from "./network_table.ts";
import { bridgeRules, goneOf, portRules } from "./ruleset_input.ts";
import { gatewayEndpoint, gatewayEndpointV6 } from "./gateway_endpoint.ts";

export interface NetworkStateDeps {
  /** Name of the engine's rules. */
  readonly ruleTable: string;
  readonly table: NetworkTable;
  readonly records: Pick<StoredNetworks, "endpoints" | "sandboxes">;
  readonly forwarding: Readonly<Record<Family, Pick<Forwarding, "isManaged" | "end">>>;
  /** Made with what this object knows. */
  readonly bridges: (linksOf: (network: Network) => readonly string[]) => BridgeDriver;
  readonly rules: (present: () => Ruleset) => FirewallMonitor;
}

/** See the module's comment. */
export class NetworkState {
  readonly #deps: Pick<NetworkStateDeps, "ruleTable" | "forwarding">;
  readonly table: NetworkTable;
  readonly leases: Ipam;
  /** By container. */
  readonly sandboxes: Map<string, Sandbox>;
  readonly bridges: BridgeDriver;
  readonly rules: FirewallMonitor;

  constructor(deps: NetworkStateDeps) {
    this.#deps = deps;
    this.table = deps.table;
    this.leases = new Ipam(deps.records.endpoints());
    this.sandboxes = deps.records.sandboxes();
    this.bridges = deps.bridges((network) => this.leases.ofNetwork(network).map(({ lease }) => lease.hostLink));
    this.rules = deps.rules(() => this.ruleset());
  }

  /** What the kernel should have. */
  ruleset(): Ruleset {
    const { ruleTable: table, forwarding } = this.#deps;
    const targetOf = (id: string) => {
      const [leases, networks] = [this.leases.of(id), this.table];
      return {
        address: gatewayEndpoint(leases, networks)?.lease.address,
        six: gatewayEndpointV6(leases, networks)?.lease.six?.address,
      };
    };
    return {
      table,
      bridges: this.bridges.present().map(bridgeRules),
      ports: portRules(this.sandboxes, targetOf),
      guardsForwarding: ([4, 6] as const).filter((family) => forwarding[family].isManaged),
    };
  }

  /** The rules are those of now, also for senders of datagrams. @param before where ports led; read first @throws {TsdError} */
  async rule(before: readonly RuledPort[]): Promise<void> {
    await this.rules.update();
    await this.forget(before);
  }

  /** Senders of datagrams are led by the rules of now. @param before where ports led */
  async forget(before: readonly RuledPort[]): Promise<void> {
    await this.rules.forget(goneOf(before, this.ruleset().ports));
  }
}
