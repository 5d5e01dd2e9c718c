/**
 * @module
 * Ports of the host for containers: chosen, taken from other programs, served, given back.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { portKey, type PublishedPort, type WantedPort } from "../../network/port.ts";
import { openPort, PortBusy, type TargetAddress } from "../../network/port_sockets.ts";
import { canBeShared, holders } from "../../network/shared_port.ts";
import { isErrno } from "../../sys/mod.ts";
import type { PortTable } from "../../network/port_table.ts";
import { OpenPorts, portName } from "./open_ports.ts";

export interface PortPublisherDeps {
  readonly table: PortTable;
  readonly log: Log;
  /** Addresses of the engine's bridges, where names may be asked for. */
  readonly gateways: () => readonly string[];
  readonly open?: typeof openPort;
  readonly holders?: typeof holders;
}

/** See the module's comment. */
export class PortPublisher {
  readonly #deps: PortPublisherDeps;

  constructor(deps: PortPublisherDeps) {
    this.#deps = deps;
  }

  /**
   * All of them, or none.
   * @param address the one that the container is to have, for whoever reads of failures
   * @throws {TsdError} port_in_use, with Docker's texts
   */
  async publish(wanted: readonly WantedPort[], address: string, target: TargetAddress): Promise<OpenPorts> {
    await using undo = new AsyncDisposableStack();
    const all = undo.use(this.none());
    for (const each of wanted) all.add(await this.#one(each, address, target));
    undo.move();
    return all;
  }

  /** Serves again what a former engine served. A port that another program has by now is left to the kernel's rules. */
  async again(ports: readonly PublishedPort[], target: TargetAddress): Promise<OpenPorts> {
    const { table, log } = this.#deps;
    const all = this.none();
    for (const port of ports) {
      table.keep(port);
      const socket = await this.#open(port, target).catch((thrown) => {
        log.warn("a published port can't be taken again", { port: portName(port), error: String(thrown) });
        return undefined;
      });
      all.add(new OpenPorts(table, [{ port, socket }]));
    }
    return all;
  }

  none(): OpenPorts {
    return new OpenPorts(this.#deps.table);
  }

  /** Of several that fit, the first that no other program has. */
  async #one(wanted: WantedPort, address: string, target: TargetAddress): Promise<OpenPorts> {
    const { table } = this.#deps;
    const isOnly = wanted.hostPorts[0] > 0 && wanted.hostPorts[0] === wanted.hostPorts[1];
    for (const busy = new Set<number>();;) {
      const ports = table.take(wanted, busy);
      await using undo = new AsyncDisposableStack();
      const taken = undo.use(new OpenPorts(table, ports.map((port) => ({ port }))));
      try {
        const opened = new AsyncDisposableStack();
        undo.use(opened);
        const open = [];
        for (const port of ports) open.push({ port, socket: opened.use(await this.#open(port, target)) });
        opened.move();
        undo.move();
        return new OpenPorts(table, open);
      } catch (thrown) {
        if (!(thrown instanceof PortBusy) || isOnly) throw bindError(thrown, taken.ports[0]!, address);
        busy.add(ports[0]!.hostPort);
      }
    }
  }

  async #open(port: PublishedPort, target: TargetAddress): Promise<AsyncDisposable> {
    const { open = openPort, log } = this.#deps;
    return await open(port, target, log, this.#isShared(port));
  }

  /** Whether names are asked for at the same port of some addresses, or may be later. @throws {PortBusy} others are there */
  #isShared(port: PublishedPort): boolean {
    if (!canBeShared(port)) return false;
    const { table, gateways, holders: find = holders } = this.#deps;
    const own = new Set(gateways());
    const isOurs = (hostIp: string) => own.has(hostIp) || (hostIp !== port.hostIp && table.has({ ...port, hostIp }));
    if (find(port).every(isOurs)) return true;
    throw new PortBusy("address already in use");
  }
}

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
