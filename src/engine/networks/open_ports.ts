import type { PortTable } from "../../network/port_table.ts";
import type { PublishedPort } from "../../network/port.ts";

/** A port with what stands for it; the kernel's rules alone may. */
export interface OpenPort {
  readonly port: PublishedPort;
  readonly socket?: AsyncDisposable | undefined;
}

/** Ports that are served, and others' again once they are closed. */
export class OpenPorts implements AsyncDisposable {
  readonly #table: Pick<PortTable, "free">;
  #open: readonly OpenPort[];

  constructor(table: Pick<PortTable, "free">, open: readonly OpenPort[] = []) {
    this.#table = table;
    this.#open = open;
  }

  get ports(): readonly PublishedPort[] {
    return this.#open.map(({ port }) => port);
  }

  /** Takes over what others had. */
  add(others: OpenPorts): void {
    this.#open = [...this.#open, ...others.#open];
    others.#open = [];
  }

  async close(some: readonly PublishedPort[]): Promise<void> {
    const keys = new Set(some.map(portName));
    const gone = this.#open.filter(({ port }) => keys.has(portName(port)));
    this.#open = this.#open.filter(({ port }) => !keys.has(portName(port)));
    for (const { port, socket } of gone.toReversed()) {
      try {
        await socket?.[Symbol.asyncDispose]();
      } finally {
        this.#table.free(port);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(this.ports);
  }
}

/** `127.0.0.1:8080/tcp`: there is one of it at most. */
export const portName = ({ hostIp, hostPort, protocol }: PublishedPort): string =>
  `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}/${protocol}`;
