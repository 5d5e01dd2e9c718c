import type { PublishedPort } from "../../network/port.ts";
import { type OpenPort, type OpenPorts, portName } from "./open_ports.ts";

/**
 * Some of a container's ports that go and others that come: both are there until it is settled. Disposed of before, the
 * ports are what they were. A container that ends meanwhile has none: nothing comes, and nothing comes back.
 */
export class PortUpdateTransaction implements AsyncDisposable {
  readonly #open: OpenPorts;
  readonly #going: readonly OpenPort[];
  /** Those that come. */
  readonly fresh: OpenPorts;
  /** Gives back what had to make room. */
  readonly #undo = new AsyncDisposableStack();
  #isSettled = false;

  /** @param open all that the container has */
  constructor(open: OpenPorts, going: readonly OpenPort[], fresh: OpenPorts) {
    this.#open = open;
    this.#going = going;
    this.fresh = fresh;
  }

  /** What there is meanwhile: a port that only leads elsewhere in the end still leads where it did. */
  get both(): PublishedPort[] {
    const names = new Set(this.#going.map(({ port }) => portName(port)));
    return [...this.#open.ports, ...this.fresh.ports.filter((port) => !names.has(portName(port)))];
  }

  /** What there is in the end. */
  get after(): PublishedPort[] {
    const stay = this.#open.all.filter((each) => !this.#going.includes(each));
    return [...stay.map(({ port }) => port), ...this.fresh.ports];
  }

  /** One that goes gives its socket up already. @param again takes it back */
  async suspend(going: OpenPort, again: () => Promise<AsyncDisposable | undefined>): Promise<void> {
    const { socket } = going;
    going.socket = undefined;
    this.#undo.defer(async () => {
      if (this.#open.isClosed) return;
      going.socket = await again();
      if (this.#open.isClosed) await going.socket?.[Symbol.asyncDispose]();
    });
    await socket?.[Symbol.asyncDispose]();
  }

  /** Nobody may be led by those that go any more, as others can have them now. */
  async settle(): Promise<void> {
    if (this.#open.isClosed) return await this[Symbol.asyncDispose]();
    this.#isSettled = true;
    for (const fresh of this.fresh.all) {
      const same = this.#going.find(({ port }) => portName(port) === portName(fresh.port));
      if (same === undefined) continue;
      same.target.port = fresh.port.containerPort;
      fresh.target = same.target;
      fresh.socket = same.socket;
      same.socket = undefined;
    }
    this.#open.add(this.fresh);
    await this.#open.close(this.#going);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isSettled) return;
    await this.fresh[Symbol.asyncDispose]();
    await this.#undo.disposeAsync();
  }
}
