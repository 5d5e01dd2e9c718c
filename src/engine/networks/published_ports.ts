/**
 * @module
 * What running containers publish, with the rules that lead there.
 */
import type { Container } from "../model/container.ts";
import type { ContainerPorts, PortChange } from "./container_ports.ts";
import type { StoredNetworks } from "../model/network.ts";
import type { NetworkState } from "./network_state.ts";

/** Ports that are about to change. Disposed of before they are settled, they are what they were. */
export interface PendingPorts extends AsyncDisposable {
  settle(): Promise<void>;
}

export interface PublishedPortsDeps {
  readonly state: NetworkState;
  readonly ports: ContainerPorts;
  readonly records: Pick<StoredNetworks, "saveSandbox">;
}

/** See the module's comment. */
export class PublishedPorts {
  readonly #deps: PublishedPortsDeps;

  constructor(deps: PublishedPortsDeps) {
    this.#deps = deps;
  }

  /** Nobody gets to a container by its ports any more, and others can have them. */
  async close(id: string): Promise<void> {
    const { state, ports } = this.#deps;
    const sandbox = state.sandboxes.get(id);
    const before = sandbox === undefined || sandbox.ports.length === 0 ? undefined : state.ruleset().ports;
    // At once, and another one in any case: a change that is under way sees that it comes too late.
    if (sandbox !== undefined) state.sandboxes.set(id, { ...sandbox, ports: [] });
    await ports.close(id);
    if (before === undefined) return;
    await state.rules.settle();
    await state.forget(before);
  }

  /**
   * Changes a running container's ports, all of it or nothing: those that come are there, and those that go as well, until
   * it is settled. Undefined where it has no network of ours, or has none any more: a container may end at any moment, also
   * before it is settled, and then its ports stay closed. @throws {TsdError} port_in_use, runtime_*
   */
  async change(container: Container, change: PortChange): Promise<PendingPorts | undefined> {
    const { state, ports, records } = this.#deps;
    const { id } = container;
    const before = state.sandboxes.get(id);
    if (before === undefined) return undefined;
    const ruled = state.ruleset().ports;
    await using undo = new AsyncDisposableStack();
    const exchange = undo.use(await ports.exchange(container, change));
    if (state.sandboxes.get(id) !== before) return undefined;
    const during = { ...before, ports: exchange.both };
    const isOver = () => state.sandboxes.get(id) !== during;
    undo.defer(async () => {
      if (isOver()) return;
      state.sandboxes.set(id, before);
      await state.rules.settle();
    });
    state.sandboxes.set(id, during);
    await state.rules.update();
    const pending = undo.move();
    return {
      settle: async () => {
        if (isOver()) return await pending.disposeAsync();
        const after = { ...before, ports: exchange.after };
        records.saveSandbox(id, after);
        state.sandboxes.set(id, after);
        pending.move();
        // Whoever takes one of the removed must not find it among the rules.
        await state.rules.settle();
        await state.forget(ruled);
        await exchange.settle();
      },
      [Symbol.asyncDispose]: () => pending.disposeAsync(),
    };
  }
}
