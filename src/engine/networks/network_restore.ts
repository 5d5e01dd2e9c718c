/**
 * @module
 * Networks when an engine begins and ends: what a former one left is taken up, and what running containers use stays.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Family } from "../../network/address.ts";
import type { ContainerPorts } from "./container_ports.ts";
import type { Forwarding } from "./forwarding.ts";
import type { EmbeddedDns } from "./embedded_dns.ts";
import type { Namespaces } from "./namespaces.ts";
import type { NetworkState } from "./network_state.ts";
import type { NetworkRepair } from "./network_repair.ts";
import { countPorts } from "./ruleset_input.ts";

export interface NetworkRestoreDeps {
  readonly log: Log;
  readonly state: Pick<NetworkState, "sandboxes" | "bridges" | "rules" | "leases" | "ruleset">;
  readonly ports: Pick<ContainerPorts, "again" | "leave">;
  readonly names: Pick<EmbeddedDns, "update" | "leave">;
  readonly namespaces: Pick<Namespaces, "sweep">;
  readonly repair: Pick<NetworkRepair, "run">;
  readonly forwarding: Readonly<Record<Family, Pick<Forwarding, "end">>>;
  /** Takes away what a container's run has of networks. */
  readonly stop: (containerId: string) => Promise<void>;
}

/** See the module's comment. */
export class NetworkRestore {
  readonly #deps: NetworkRestoreDeps;

  constructor(deps: NetworkRestoreDeps) {
    this.#deps = deps;
  }

  /** Running containers keep what they have, the rest goes. What can't go is no reason not to serve. */
  async restore(running: ReadonlySet<string>): Promise<void> {
    const { state: { sandboxes, rules }, namespaces, ports, names, repair, stop } = this.#deps;
    for (const id of [...sandboxes.keys()]) {
      if (!running.has(id)) await this.#tried("a container's network stays", () => stop(id));
    }
    await this.#tried("network namespaces stay", () => namespaces.sweep((id) => running.has(id)));
    await repair.run();
    for (const [id, sandbox] of sandboxes) if (running.has(id)) await ports.again(id, sandbox.ports);
    // Also where there is nothing to rule: an engine that was killed may have left some.
    await Promise.all([this.#tried("the rules are not those of now", () => rules.reload()), names.update()]);
  }

  /** Makes what the kernel should have anew, from the records; says of how much. @throws {TsdError} runtime_* */
  async reload(): Promise<{ readonly bridges: number; readonly ports: number }> {
    const { state, repair } = this.#deps;
    await repair.run({ whole: true });
    for (const bridge of state.bridges.present()) state.bridges.allow(bridge);
    await state.rules.reload();
    const { bridges, ports } = state.ruleset();
    return { bridges: bridges.length, ports: countPorts(ports) };
  }

  /** What no running container uses goes; ports go on by the kernel's rules. Each step is tried, whatever became of the others. */
  async leave(): Promise<void> {
    const { state, ports, names } = this.#deps;
    await this.#tried("ports stay open", () => ports.leave());
    await this.#tried("names are still answered", () => names.leave());
    await this.#tried("bridges stay", () => this.#removeBridges());
    await this.#tried("rules stay", () => this.#removeRules());
    state.rules[Symbol.dispose]();
  }

  async #removeBridges(): Promise<void> {
    const { bridges, leases } = this.#deps.state;
    for (const { network } of bridges.present()) {
      if (leases.ofNetwork(network).length > 0) continue;
      await this.#tried("a bridge stays", () => bridges.remove(network));
    }
  }

  /** Without a bridge there is nothing to rule. */
  async #removeRules(): Promise<void> {
    const { state: { bridges, rules }, forwarding } = this.#deps;
    if (bridges.present().length > 0) return;
    await this.#tried("rules stay", () => rules.remove());
    for (const family of [4, 6] as const) {
      await this.#tried("packets are still forwarded", () => forwarding[family].end());
    }
  }

  async #tried(trouble: string, step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (thrown) {
      this.#deps.log.warn(trouble, { error: toTsdError(thrown).message });
    }
  }
}
