/**
 * @module
 * The bridges of networks: made when a container first needs one, with an address range that nothing else on the machine
 * has, and gone with the last container when the engine ends.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import {
  type Family,
  formatAddress,
  formatSubnet,
  overlaps,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "../../network/address.ts";
import { bridgeBatch } from "../../network/ip_batch.ts";
import { choosePool, chooseUniqueLocal, freeAddress, macOf } from "../../network/pools.ts";
import { interfaceIndex, tryLock } from "../../sys/mod.ts";
import { type BridgeOptions, bridgeOptions } from "./bridge_options.ts";
import type { Forwarding } from "./forwarding.ts";
import type { RunNetworkProgram } from "./host_programs.ts";
import { refuseAdvertisements, routes } from "./route_table.ts";
import { setKernel } from "./kernel_settings.ts";
import type { AddressPool, Network } from "./network.ts";
import type { NetworkTable } from "./network_table.ts";

/** All engines of this machine choose address ranges one after another: what one has chosen the next finds as a route. */
const LOCK = "/run/.tsd-networks.lock";
const [LOCK_POLL_MS, LOCK_LIMIT_MS] = [5, 10_000];

/** A network whose bridge is there. */
export interface Bridge {
  readonly network: Network;
  /** Of the interface. */
  readonly name: string;
  readonly index: number;
  readonly subnet: Subnet;
  readonly gateway: string;
  /** Of version 6, where it has that. */
  readonly six: { readonly subnet: Subnet; readonly gateway: string } | undefined;
  readonly options: BridgeOptions;
}

export interface BridgeDriverDeps {
  readonly engineId: string;
  readonly log: Log;
  readonly table: NetworkTable;
  readonly run: RunNetworkProgram;
  readonly forwarding: Readonly<Record<Family, Pick<Forwarding, "begin">>>;
  /** Whether some container has an address of the network. */
  readonly isUsed: (network: Network) => boolean;
}

/** See the module's comment. */
export class Bridges {
  readonly #deps: BridgeDriverDeps;
  readonly #making = new Map<string, Promise<Bridge>>();

  constructor(deps: BridgeDriverDeps) {
    this.#deps = deps;
  }

  /** Name of a network's interface: that of the default network is easy to recognise. */
  nameOf({ id, name, record: { options } }: Network): string {
    const { engineId } = this.#deps;
    const own = bridgeOptions(options).name;
    if (own !== undefined) return own;
    if (name === "bridge") return `tsd${engineId}0`;
    // What fits into the kernel's 15 characters.
    return `tsd${engineId}-${id.slice(0, 11 - engineId.length)}`;
  }

  optionsOf({ record: { options } }: Network): BridgeOptions {
    return bridgeOptions(options);
  }

  /** The network's bridge, made where it is missing. @throws {TsdError} runtime_missing, runtime_failed, invalid_argument */
  async ensure(network: Network): Promise<Bridge> {
    const present = this.#present(network);
    if (present !== undefined) return present;
    let making = this.#making.get(network.id);
    if (making === undefined) {
      making = this.#make(network).finally(() => this.#making.delete(network.id));
      this.#making.set(network.id, making);
    }
    return await making;
  }

  /** Those that are there now. */
  present(): Bridge[] {
    return this.#deps.table.list().flatMap((network) => this.#present(network) ?? []);
  }

  /** What the kernel must allow. @throws {TsdError} runtime_failed */
  allow({ name, six }: Pick<Bridge, "name" | "six">): void {
    // Published ports of 127.0.0.1 lead to containers; the rules keep everybody else from using that.
    setKernel(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, "1");
    refuseAdvertisements(name);
    const { forwarding } = this.#deps;
    forwarding[4].begin();
    if (six !== undefined) forwarding[6].begin();
  }

  /** Takes a bridge away, if it is there. @throws {TsdError} runtime_failed */
  async remove(network: Network): Promise<void> {
    const name = this.nameOf(network);
    if (interfaceIndex(name) !== undefined) {
      await this.#deps.run(`remove the bridge ${name}`, ["ip", "-batch", "-"], `link del dev ${name}\n`);
    }
  }

  #present({ id }: Network): Bridge | undefined {
    const network = this.#deps.table.known(id);
    const { record: { driver, subnet, gateway, six } } = network;
    if (driver !== "bridge" || subnet === undefined || gateway === undefined) return undefined;
    const name = this.nameOf(network);
    const index = interfaceIndex(name);
    if (index === undefined) return undefined;
    return {
      network,
      name,
      index,
      subnet: parseSubnet(subnet),
      gateway,
      six: six?.subnet === undefined || six.gateway === undefined
        ? undefined
        : { subnet: parseSubnet(six.subnet), gateway: six.gateway },
      options: bridgeOptions(network.record.options),
    };
  }

  async #make({ id }: Network): Promise<Bridge> {
    const { table, run, log } = this.#deps;
    using _lock = await machineLock();
    const network = this.#withSubnet(table.known(id));
    const { subnet = "", six } = network.record;
    const name = this.nameOf(network);
    const addresses = [network.record, ...six === undefined ? [] : [six]].map(gatewayAddress);
    const { mtu } = bridgeOptions(network.record.options);
    if (interfaceIndex(name) !== undefined) await this.remove(network);
    const mac = macOf(parseAddress(network.record.gateway ?? "")!);
    await run(`make the bridge ${name}`, ["ip", "-batch", "-"], bridgeBatch({ name, addresses, mac, mtu }));
    const made = this.#present(network)!;
    this.allow(made);
    log.info("made a bridge", { bridge: name, network: network.name, subnet, six: six?.subnet });
    return made;
  }

  /** Chooses a new network's address range, or makes sure that nobody has the one that was named. @throws as `ensure` */
  async claim({ id }: Network): Promise<void> {
    using _lock = await machineLock();
    const { table } = this.#deps;
    const { record } = table.known(id);
    const taken = this.#taken(id);
    for (const { subnet } of [record, record.six ?? {}]) {
      if (subnet === undefined || !taken.some((each) => overlaps(parseSubnet(subnet), each))) continue;
      throw new TsdError(
        "permission_denied",
        "invalid pool request: Pool overlaps with other one on this address space",
      );
    }
    this.#withSubnet(table.known(id));
  }

  /** What the host and other networks have. */
  #taken(except: string): Subnet[] {
    const others = this.#deps.table.list().flatMap(({ id, record }) =>
      id === except ? [] : [record.subnet, record.six?.subnet].flatMap((each) => each ?? []).map(parseSubnet)
    );
    return [...routes(), ...others];
  }

  /** With ranges of its own: those that it had, unless the host has a way there meanwhile and nobody uses them. */
  #withSubnet(network: Network): Network {
    const { table, isUsed } = this.#deps;
    const { record } = network;
    const taken = this.#taken(network.id);
    const keeps = (pool: AddressPool): boolean => {
      if (pool.subnet === undefined) return false;
      const own = parseSubnet(pool.subnet);
      return (pool.hasOwnSubnet ?? false) || !routes().some((route) => overlaps(route, own)) || isUsed(network);
    };
    const filled = (pool: AddressPool, choose: () => Subnet): AddressPool => keeps(pool) ? pool : poolOf(choose());
    const four = filled(record, () => choosePool(taken));
    const six = record.six && filled(record.six, () => chooseUniqueLocal(network.id, taken));
    if (four === record && six === record.six) return network;
    return table.save(network, { ...record, ...four, ...six && { six } });
  }
}

function poolOf(subnet: Subnet): AddressPool {
  return { subnet: formatSubnet(subnet), gateway: formatAddress(freeAddress(subnet, { taken: new Set() })) };
}

/** The bridge's own address in CIDR form. */
const gatewayAddress = ({ subnet = "", gateway = "" }: AddressPool): string =>
  `${gateway}/${parseSubnet(subnet).prefix}`;

/** @throws {TsdError} timeout */
async function machineLock(): Promise<Disposable> {
  for (const deadline = Date.now() + LOCK_LIMIT_MS;;) {
    const lock = tryLock(LOCK);
    if (lock !== "held") return lock;
    if (Date.now() > deadline) throw new TsdError("timeout", `Cannot choose an address range: somebody holds ${LOCK}`);
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}
