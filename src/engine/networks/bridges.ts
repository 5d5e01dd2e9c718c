/**
 * @module
 * The bridges of networks: made when a container first needs one, with an address range that nothing else on the machine
 * has, and gone with the last container when the engine ends.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { formatAddress, formatSubnet, overlaps, parseSubnet, type Subnet } from "../../network/address.ts";
import { bridgeBatch } from "../../network/link_batch.ts";
import { choosePool, freeAddress, hostRoutes } from "../../network/pools.ts";
import { interfaceIndex, tryLock } from "../../sys/mod.ts";
import { type BridgeOptions, bridgeOptions } from "./bridge_options.ts";
import type { Forwarding } from "./forwarding.ts";
import type { RunNetworkProgram } from "./host_programs.ts";
import type { Network, NetworkRecord } from "./network.ts";
import { setKernel } from "./kernel_settings.ts";
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
  readonly options: BridgeOptions;
}

export interface BridgesDeps {
  readonly engineId: string;
  readonly log: Log;
  readonly table: NetworkTable;
  readonly run: RunNetworkProgram;
  readonly forwarding: Pick<Forwarding, "begin">;
  /** Whether some container has an address of the network. */
  readonly isUsed: (network: Network) => boolean;
}

/** See the module's comment. */
export class Bridges {
  readonly #deps: BridgesDeps;
  readonly #making = new Map<string, Promise<Bridge>>();

  constructor(deps: BridgesDeps) {
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
  allow({ name }: Pick<Bridge, "name">): void {
    // Published ports of 127.0.0.1 lead to containers; the rules keep everybody else from using that.
    setKernel(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, "1");
    this.#deps.forwarding.begin();
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
    const { record: { driver, subnet, gateway } } = network;
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
      options: bridgeOptions(network.record.options),
    };
  }

  async #make({ id }: Network): Promise<Bridge> {
    const { table, run, log } = this.#deps;
    using _lock = await machineLock();
    const network = this.#withSubnet(table.known(id));
    const { subnet = "", gateway = "" } = network.record;
    const name = this.nameOf(network);
    const addresses = [`${gateway}/${parseSubnet(subnet).prefix}`];
    const { mtu } = bridgeOptions(network.record.options);
    if (interfaceIndex(name) !== undefined) await this.remove(network);
    await run(`make the bridge ${name}`, ["ip", "-batch", "-"], bridgeBatch({ name, addresses, mtu }));
    this.allow({ name });
    log.info("made a bridge", { bridge: name, network: network.name, subnet });
    return this.#present(network)!;
  }

  /** Chooses a new network's address range, or makes sure that nobody has the one that was named. @throws as `ensure` */
  async claim({ id }: Network): Promise<void> {
    using _lock = await machineLock();
    const { table } = this.#deps;
    const { subnet } = table.known(id).record;
    if (subnet === undefined) return void this.#withSubnet(table.known(id));
    const own = parseSubnet(subnet);
    if (!this.#taken(id).some((each) => overlaps(own, each))) return;
    throw new TsdError(
      "permission_denied",
      "invalid pool request: Pool overlaps with other one on this address space",
    );
  }

  /** What the host and other networks have. */
  #taken(except: string): Subnet[] {
    const others = this.#deps.table.list().flatMap(({ id, record: { subnet } }) =>
      id === except || subnet === undefined ? [] : [parseSubnet(subnet)]
    );
    return [...hostRoutes(Deno.readTextFileSync("/proc/net/route")), ...others];
  }

  /** With a range of its own: the one that it had, unless the host has a way there meanwhile and nobody uses it. */
  #withSubnet(network: Network): Network {
    const { table, isUsed } = this.#deps;
    const { subnet: had, hasOwnSubnet = false } = network.record;
    const routes = hostRoutes(Deno.readTextFileSync("/proc/net/route"));
    const isFree = had !== undefined && !routes.some((route) => overlaps(route, parseSubnet(had)));
    if (isFree || (had !== undefined && (hasOwnSubnet || isUsed(network)))) return network;
    const subnet = choosePool(this.#taken(network.id));
    const gateway = formatAddress(freeAddress(subnet, { taken: new Set() }));
    const record: NetworkRecord = { ...network.record, subnet: formatSubnet(subnet), gateway };
    return table.save(network, record);
  }
}

/** @throws {TsdError} timeout */
async function machineLock(): Promise<Disposable> {
  for (const deadline = Date.now() + LOCK_LIMIT_MS;;) {
    const lock = tryLock(LOCK);
    if (lock !== "held") return lock;
    if (Date.now() > deadline) throw new TsdError("timeout", `Cannot choose an address range: somebody holds ${LOCK}`);
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}
