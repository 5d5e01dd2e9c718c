/**
 * @module
 * Ports of the host for containers: chosen, taken from other programs, served, given back.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { portKey, type PublishedPort, type WantedPort } from "../../network/port.ts";
import { openPort, PortBusy, type TargetAddress } from "../../network/port_sockets.ts";
import { isErrno } from "../../sys/mod.ts";
import type { PortTable } from "../../network/port_table.ts";

/** Ports that are served. */
export interface OpenPorts extends AsyncDisposable {
  readonly ports: readonly PublishedPort[];
}

export interface PortPublisherDeps {
  readonly table: PortTable;
  readonly log: Log;
  readonly open?: typeof openPort;
}

/** See the module's comment. */
export class PortPublisher {
  readonly #deps: PortPublisherDeps;

  constructor(deps: PortPublisherDeps) {
    this.#deps = deps;
  }

  /** All of them, or none. @param address the container's present one @throws {TsdError} port_in_use, with Docker's texts */
  async publish(wanted: readonly WantedPort[], address: TargetAddress): Promise<OpenPorts> {
    await using opened = new AsyncDisposableStack();
    const ports: PublishedPort[] = [];
    for (const each of wanted) {
      const one = await this.#one(each, address);
      opened.use(one);
      ports.push(...one.ports);
    }
    const kept = opened.move();
    return { ports, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }

  /** Serves again what a former engine served. A port that another program has by now is left to the kernel's rules. */
  async again(ports: readonly PublishedPort[], address: TargetAddress): Promise<OpenPorts> {
    const kept = new AsyncDisposableStack();
    for (const port of ports) {
      this.#deps.table.keep(port);
      kept.defer(() => this.#deps.table.free(port));
      await this.#open(port, address).then((socket) => kept.use(socket), (thrown) => {
        this.#deps.log.warn("a published port can't be taken again", { port: nameOf(port), error: String(thrown) });
      });
    }
    return { ports, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }

  /** Of several that fit, the first that no other program has. */
  async #one(wanted: WantedPort, address: TargetAddress): Promise<OpenPorts> {
    const isOnly = wanted.hostPorts[0] > 0 && wanted.hostPorts[0] === wanted.hostPorts[1];
    for (const busy = new Set<number>();;) {
      const ports = this.#deps.table.take(wanted, busy);
      await using taken = new AsyncDisposableStack();
      for (const port of ports) taken.defer(() => this.#deps.table.free(port));
      try {
        for (const port of ports) taken.use(await this.#open(port, address));
      } catch (thrown) {
        if (!(thrown instanceof PortBusy) || isOnly) throw bindError(thrown, ports[0]!, address());
        busy.add(ports[0]!.hostPort);
        continue;
      }
      const kept = taken.move();
      return { ports, [Symbol.asyncDispose]: () => kept.disposeAsync() };
    }
  }

  #open(port: PublishedPort, address: TargetAddress): Promise<AsyncDisposable> {
    return (this.#deps.open ?? openPort)(port, address, this.#deps.log);
  }
}

const nameOf = ({ hostIp, hostPort, protocol }: PublishedPort): string =>
  `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}/${protocol}`;

/** In Docker's words. */
function bindError(thrown: unknown, port: PublishedPort, address: string): TsdError {
  const host = nameOf(port).replace(/\/.*$/, "");
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
