/**
 * @module
 * The bridges of networks: made with the network or when a container first needs one, with address ranges that nothing
 * else on the machine has at that moment, and removed when the engine ends without a container in them.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Family, parseAddress, parseSubnet, type Subnet } from "../../network/address.ts";
import { attachBatch, bridgeBatch, bridgeRepairBatch } from "../../network/ip_batch.ts";
import { conflictWith, macOf, type ReservedSubnet } from "../../network/pools.ts";
import { interfaceIndex } from "../../sys/mod.ts";
import { type BridgeOptions, bridgeOptions } from "./bridge_options.ts";
import type { Forwarding } from "./forwarding.ts";
import type { RunNetworkProgram } from "./host_programs.ts";
import { refuseAdvertisements } from "./route_table.ts";
import { setKernel } from "./kernel_settings.ts";
import type { AddressPool, Network, NetworkRecord } from "../model/network.ts";
import { settleSubnets } from "./network_subnets.ts";
import type { NetworkTable } from "./network_table.ts";

/** How often another bridge may get the same addresses at the same time; as many as there are pools. */
const MOST_COLLISIONS = 31;

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
  /** The host's ends of the interfaces that running containers have in a network. */
  readonly linksOf: (network: Network) => readonly string[];
  /** Keeps other engines of the machine from choosing ranges and making bridges. */
  readonly lock: () => Promise<Disposable>;
  /** Address ranges that are in use on the machine, but for those of one interface. */
  readonly reserved: (exceptInterface: string) => Promise<ReservedSubnet[]>;
  /** An interface's hardware address; undefined where it doesn't exist. */
  readonly linkMac: (name: string) => Promise<string | undefined>;
}

/** See the module's comment. */
export class BridgeDriver {
  readonly #deps: BridgeDriverDeps;
  readonly #making = new Map<string, Promise<Bridge>>();
  /** Ids of new networks whose ranges nobody has looked at: they keep no other one from having the same. */
  readonly #unsettled = new Set<string>();

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

  /**
   * A new network's first bridge: it gets its ranges with it, or is refused those that were named.
   * @throws {TsdError} permission_denied, conflict, and as `ensure`
   */
  async create(network: Network): Promise<Bridge> {
    this.#unsettled.add(network.id);
    try {
      return await this.#once(network, true);
    } finally {
      this.#unsettled.delete(network.id);
    }
  }

  /**
   * The network's bridge, made where it is missing.
   * @throws {TsdError} conflict: something else has the network's range or its bridge's name; runtime_missing,
   * runtime_failed, invalid_argument, timeout
   */
  async ensure(network: Network): Promise<Bridge> {
    const making = this.#making.get(network.id);
    if (making !== undefined) return await making;
    const present = this.#present(network);
    if (present === undefined) return await this.#once(network, false);
    if (!await this.#isOwn(present.network)) throw nameInUse(present.name);
    return present;
  }

  /** Gives a bridge back its addresses and its interfaces, whatever other programs have removed. @throws as `ensure` */
  async repair(network: Network): Promise<void> {
    const { name } = await this.ensure(network);
    const addresses = gatewayAddresses(this.#deps.table.known(network.id));
    const batch = bridgeRepairBatch({ name, addresses }) + this.#attaching(network);
    await this.#deps.run(`repair the bridge ${name}`, ["ip", "-batch", "-"], batch);
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

  /** Takes a bridge away, if it is there and the network's own. @throws {TsdError} runtime_failed */
  async remove(network: Network): Promise<void> {
    const name = this.nameOf(network);
    if (interfaceIndex(name) !== undefined && await this.#isOwn(network)) {
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

  /** One at a time for each network. */
  #once(network: Network, isNew: boolean): Promise<Bridge> {
    const making = this.#make(network, isNew).finally(() => this.#making.delete(network.id));
    this.#making.set(network.id, making);
    return making;
  }

  async #make({ id }: Network, isNew: boolean): Promise<Bridge> {
    const { table, log } = this.#deps;
    using _lock = await this.#deps.lock();
    let rival: ReservedSubnet | undefined;
    for (let collisions = 0; collisions < MOST_COLLISIONS; collisions++) {
      const network = await this.#settle(table.known(id), { isNew, collisions, rival });
      await using undo = new AsyncDisposableStack();
      undo.defer(() => this.remove(network));
      const made = await this.#build(network);
      rival = await this.#rivalOf(made);
      if (rival === undefined) {
        this.allow(made);
        undo.move();
        const { subnet, six } = network.record;
        log.info("made a bridge", { bridge: made.name, network: network.name, subnet, six: six?.subnet });
        return made;
      }
      // Another program, or an engine that has another lock and looks after making its bridge, too: one that sees the
      // other's yields.
      log.info("another bridge has got the same addresses", { network: network.name, other: rival.holder });
    }
    throw new TsdError(
      "conflict",
      `Cannot make a bridge: others take its addresses each time, ${rival?.holder} the last`,
    );
  }

  /** The network with the ranges that it has from now on. @throws {TsdError} as `create` and `ensure` */
  async #settle(
    network: Network,
    { isNew, collisions, rival }: {
      readonly isNew: boolean;
      readonly collisions: number;
      readonly rival: ReservedSubnet | undefined;
    },
  ): Promise<Network> {
    const { table, linksOf, reserved, log } = this.#deps;
    const bridge = this.nameOf(network);
    const others = table.list().filter(({ id }) => id !== network.id && !this.#unsettled.has(id));
    if (isNew) this.#requireOwnName(network, others);
    const record = settleSubnets(network, {
      reserved: [...await reserved(bridge), ...rival ? [rival] : []],
      recorded: others.flatMap(({ name, record }) => recordedSubnets(name, record)),
      ...{ bridge, isNew, isUsed: linksOf(network).length > 0, collisions },
    });
    this.#unsettled.delete(network.id);
    if (record === network.record) return network;
    const { subnet: before, six } = network.record;
    if (!isNew && (before ?? six?.subnet) !== undefined) {
      const now = { subnet: record.subnet, six: record.six?.subnet };
      log.info("a network gets other addresses, as those it had are in use", { network: network.name, before, ...now });
    }
    return table.save(network, record);
  }

  /** @throws {TsdError} permission_denied, with Docker's text */
  #requireOwnName(network: Network, others: readonly Network[]): void {
    const bridge = this.nameOf(network);
    const other = others.find((each) => this.nameOf(each) === bridge);
    if (other === undefined) return;
    throw new TsdError(
      "permission_denied",
      `cannot create network ${network.id} (${bridge}): conflicts with network ${other.id} (${bridge}): ` +
        "networks have same bridge name",
    );
  }

  async #build(network: Network): Promise<Bridge> {
    const { record } = network;
    const name = this.nameOf(network);
    const { mtu, name: chosenName } = bridgeOptions(record.options);
    if (interfaceIndex(name) !== undefined) {
      if (chosenName !== undefined) throw nameInUse(name);
      await this.remove(network);
    }
    const attaching = this.#attaching(network);
    const batch = bridgeBatch({ name, addresses: gatewayAddresses(network), mac: ownMac(network), mtu }) + attaching;
    await this.#deps.run(`make the bridge ${name}`, ["ip", "-batch", "-"], batch);
    if (attaching !== "") this.#deps.log.warn("remade a bridge that running containers are in", { bridge: name });
    return this.#present(network)!;
  }

  /** Attaches the interfaces of containers that run: another program may have removed the bridge that they were in. */
  #attaching(network: Network): string {
    const present = this.#deps.linksOf(network).filter((link) => interfaceIndex(link) !== undefined);
    return present.map((link) => attachBatch(link, this.nameOf(network))).join("");
  }

  /** What has come to the bridge's addresses while it was made, without any lock. */
  async #rivalOf({ name, subnet, six }: Bridge): Promise<ReservedSubnet | undefined> {
    const reserved = await this.#deps.reserved(name);
    return conflictWith(subnet, reserved) ?? (six && conflictWith(six.subnet, reserved));
  }

  /** Whether an interface with the network's name is its bridge: a name that a user chose may be another's. */
  async #isOwn(network: Network): Promise<boolean> {
    const { name } = bridgeOptions(network.record.options);
    if (name === undefined) return true;
    return network.record.gateway !== undefined && await this.#deps.linkMac(name) === ownMac(network);
  }
}

const recordedSubnets = (name: string, { subnet, six }: NetworkRecord): ReservedSubnet[] =>
  [subnet, six?.subnet].flatMap((each) =>
    each === undefined ? [] : { subnet: parseSubnet(each), holder: `network ${name}` }
  );

const ownMac = ({ record: { gateway = "" } }: Network): string => macOf(parseAddress(gateway)!);

const nameInUse = (name: string) =>
  new TsdError(
    "conflict",
    `Cannot make the bridge ${name}: there is an interface of that name already; ` +
      "remove it, or give the network another com.docker.network.bridge.name",
  );

/** The bridge's own addresses in CIDR form. */
const gatewayAddresses = ({ record }: Network): string[] =>
  [record, ...record.six === undefined ? [] : [record.six]].map(({ subnet = "", gateway = "" }: AddressPool) =>
    `${gateway}/${parseSubnet(subnet).prefix}`
  );
