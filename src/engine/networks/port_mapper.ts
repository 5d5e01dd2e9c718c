/**
 * @module
 * Ports of the host for containers: chosen, taken from other programs, served, given back.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { portKey, type PortTarget, type PublishedPort, type RequestedPort } from "../../network/port.ts";
import { PortBusy } from "../../network/port_sockets.ts";
import { canBeShared, holders } from "../../network/shared_port.ts";
import { isErrno } from "../../sys/mod.ts";
import { type PortAllocator, portsClash } from "../../network/port_allocator.ts";
import { type OpenPort, OpenPorts, portName } from "./open_ports.ts";
import { PortUpdateTransaction } from "./port_update.ts";

export type TargetAddress = PortTarget["address"];

export interface PortMapperDeps {
  readonly table: PortAllocator;
  readonly log: Log;
  /** Addresses of the engine's bridges, where names may be asked for. */
  readonly gateways: () => readonly string[];
  /** Takes a port of the host; `isShared` as in `PortSocketOptions`. @throws {PortBusy} */
  readonly open: (port: PublishedPort, target: PortTarget, isShared: boolean) => Promise<AsyncDisposable>;
  readonly holders?: typeof holders;
}

/** See the module's comment. */
export class PortMapper {
  readonly #deps: PortMapperDeps;

  constructor(deps: PortMapperDeps) {
    this.#deps = deps;
  }

  /**
   * All of them, or none.
   * @param address the one that the container is to have, for whoever reads of failures
   * @throws {TsdError} port_in_use, with Docker's texts
   */
  async publish(requested: readonly RequestedPort[], address: string, target: TargetAddress): Promise<OpenPorts> {
    await using undo = new AsyncDisposableStack();
    const all = undo.use(this.none());
    for (const each of requested) all.add(await this.#one(each, address, target, []));
    undo.move();
    return all;
  }

  /**
   * Takes ports beside those that go, which are there until the exchange is settled; all of them, or none.
   * @throws as `publish`
   */
  async exchange(
    open: OpenPorts,
    { removed, added }: { readonly removed: readonly PublishedPort[]; readonly added: readonly RequestedPort[] },
    address: string,
    target: TargetAddress,
  ): Promise<PortUpdateTransaction> {
    const names = new Set(removed.map(portName));
    const going = open.all.filter(({ port }) => names.has(portName(port)));
    await using undo = new AsyncDisposableStack();
    const exchange = undo.use(new PortUpdateTransaction(open, going, this.none()));
    // Only where a port is wanted on more or fewer addresses than before its socket makes room first.
    const makeRoom = async (port: PublishedPort) => {
      for (const each of going.filter((other) => other.socket !== undefined && portsClash(other.port, port))) {
        await exchange.suspend(each, () => this.#openAgain(each));
      }
    };
    for (const each of added) exchange.fresh.add(await this.#one(each, address, target, going, makeRoom));
    undo.move();
    return exchange;
  }

  /** Serves again what a former engine served. A port that another program has by now is left to the kernel's rules. */
  async again(ports: readonly PublishedPort[], target: TargetAddress): Promise<OpenPorts> {
    const { table } = this.#deps;
    const all = this.none();
    for (const port of ports) {
      table.keep(port);
      const open = { port, target: { address: target, port: port.containerPort } };
      all.add(new OpenPorts(table, [{ ...open, socket: await this.#openAgain(open) }]));
    }
    return all;
  }

  none(): OpenPorts {
    return new OpenPorts(this.#deps.table);
  }

  /** Of several that fit, the first that no other program has. */
  async #one(
    requested: RequestedPort,
    address: string,
    target: TargetAddress,
    going: readonly OpenPort[],
    makeRoom = (_port: PublishedPort) => Promise.resolve(),
  ): Promise<OpenPorts> {
    const { table } = this.#deps;
    const isOnly = requested.hostPorts[0] > 0 && requested.hostPorts[0] === requested.hostPorts[1];
    const [own, names] = [going.map(({ port }) => port), new Set(going.map(({ port }) => portName(port)))];
    for (const busy = new Set<number>();;) {
      const ports = table.take(requested, busy, own);
      await using undo = new AsyncDisposableStack();
      const taken = undo.use(new OpenPorts(table, ports.map((port) => ({ port, target: lead(port, target) }))));
      try {
        for (const open of taken.all) {
          // It leads elsewhere in the end, with the socket that it has.
          if (names.has(portName(open.port))) continue;
          await makeRoom(open.port);
          open.socket = await this.#open(open.port, open.target);
        }
        undo.move();
        return taken;
      } catch (thrown) {
        if (!(thrown instanceof PortBusy) || isOnly) throw bindError(thrown, taken.ports[0]!, address);
        busy.add(ports[0]!.hostPort);
      }
    }
  }

  /** What has to stay as it was; undefined where another program has taken it meanwhile. */
  async #openAgain({ port, target }: OpenPort): Promise<AsyncDisposable | undefined> {
    return await this.#open(port, target).catch((thrown) => {
      const { log } = this.#deps;
      log.warn("a published port can't be taken again", { port: portName(port), error: String(thrown) });
      return undefined;
    });
  }

  async #open(port: PublishedPort, target: PortTarget): Promise<AsyncDisposable> {
    return await this.#deps.open(port, target, this.#isShared(port));
  }

  /**
   * Whether names are asked for at the same port of some addresses, or may be later. Gateways of another engine are others',
   * and who comes later isn't noticed (ADR 0023). @throws {PortBusy} others are there
   */
  #isShared(port: PublishedPort): boolean {
    if (!canBeShared(port)) return false;
    const { table, gateways, holders: find = holders } = this.#deps;
    const own = new Set(gateways());
    const isManaged = (hostIp: string) => own.has(hostIp) || (hostIp !== port.hostIp && table.has({ ...port, hostIp }));
    if (find(port).every(isManaged)) return true;
    throw new PortBusy("address already in use");
  }
}

const lead = ({ containerPort }: PublishedPort, address: TargetAddress): PortTarget => ({
  address,
  port: containerPort,
});

/** In Docker's words. */
function bindError(thrown: unknown, port: PublishedPort, address: string): TsdError {
  const host = portName(port).replace(/\/.*$/, "");
  const why = isErrno(thrown, "EADDRNOTAVAIL")
    ? "cannot assign requested address"
    : thrown instanceof Error
    ? thrown.message
    : String(thrown);
  const target = portKey(port.containerPort, port.protocol);
  return new TsdError("port_in_use", `failed to bind host port for ${host}:${address}:${target}: ${why}`, {
    cause: thrown,
  });
}
