import type { PortAllocator } from "../../network/port_allocator.ts";
import type { PortTarget, PublishedPort } from "../../network/port.ts";

/** A port, where it leads, and what stands for it; the kernel's rules alone may. */
export interface OpenPort {
  readonly port: PublishedPort;
  target: PortTarget;
  socket?: AsyncDisposable | undefined;
}

/** Ports that are served, and others' again once they are closed. */
export class OpenPorts implements AsyncDisposable {
  readonly #table: Pick<PortAllocator, "free">;
  #open: readonly OpenPort[];
  #isClosed = false;

  constructor(table: Pick<PortAllocator, "free">, open: readonly OpenPort[] = []) {
    this.#table = table;
    this.#open = open;
  }

  get all(): readonly OpenPort[] {
    return this.#open;
  }

  get ports(): readonly PublishedPort[] {
    return this.#open.map(({ port }) => port);
  }

  /** Whether all were closed at once, as their container has ended: nobody would close what came now. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes over what others had. */
  add(others: OpenPorts): void {
    this.#open = [...this.#open, ...others.#open];
    others.#open = [];
  }

  async close(going: readonly OpenPort[]): Promise<void> {
    // What is closed already may be others' by now.
    const removed = this.#open.filter((each) => going.includes(each));
    this.#open = this.#open.filter((each) => !removed.includes(each));
    // Each is tried, whatever becomes of the others.
    await using closing = new AsyncDisposableStack();
    for (const { port, socket } of removed) {
      closing.defer(() => this.#table.free(port));
      if (socket !== undefined) closing.use(socket);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.close(this.#open);
  }
}

/** `127.0.0.1:8080/tcp`: there is one of it at most. */
export const portName = ({ hostIp, hostPort, protocol }: PublishedPort): string =>
  `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}/${protocol}`;
