/**
 * @module
 * When the engine's rules are in the kernel: from the first bridge to the last one, and again after somebody removed them.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { NftConnection } from "../../network/nft_connection.ts";
import type { RuledPort } from "../../network/ruleset.ts";
import type { Clock } from "../../async/clock.ts";
import type { DockerUserChain } from "./docker_user_chain.ts";
import type { Firewall } from "./firewall.ts";

/** How long several changes of others are waited for before they are answered. */
const REPAIR_DELAY_MS = 100;
/** Somebody may undo each answer at once: then each one waits twice as long as the last, up to this. */
const LONGEST_DELAY_MS = 60_000;
/** How long there must be rest for the next answer to be a quick one again. */
const REST_MS = 10_000;

export interface FirewallMonitorDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly firewall: Pick<Firewall, "isLoaded" | "isDamagedBy" | "update" | "reload" | "remove">;
  readonly kernel: Pick<NftConnection, "forgetFlows">;
  readonly docker: Pick<DockerUserChain, "isDue" | "settle" | "remove">;
  /** Whether there is anything to rule. */
  readonly hasBridges: () => boolean;
  /** Tells of changes of others until it is disposed of. */
  readonly watch: (onChange: (tables: ReadonlySet<string> | undefined) => void) => Disposable;
}

/** See the module's comment. */
export class FirewallMonitor implements Disposable {
  readonly #deps: FirewallMonitorDeps;
  #watch: Disposable | undefined;
  #repair: Disposable | undefined;
  #look: Disposable | undefined;
  #delayMs = REPAIR_DELAY_MS;
  #repairedMs = -Infinity;

  constructor(deps: FirewallMonitorDeps) {
    this.#deps = deps;
  }

  /** Resolves when the rules are those of now or later. @throws {TsdError} runtime_missing, runtime_failed */
  async update(): Promise<void> {
    const { firewall, docker } = this.#deps;
    this.#listen();
    if (!firewall.isLoaded) await this.#settleDocker();
    else if (docker.isDue) {
      void this.#followDocker();
    }
    await firewall.update();
  }

  /** Where nothing can be done about a failure: the next change, or the next engine, tries again. */
  async settle(): Promise<void> {
    const { firewall, hasBridges } = this.#deps;
    if (hasBridges()) await this.update().catch((thrown) => this.#stale(thrown));
    else if (firewall.isLoaded) await this.remove();
  }

  /** Loads them whole, whatever is there. @throws as `update` */
  async reload(): Promise<void> {
    if (!this.#deps.hasBridges()) return await this.remove();
    this.#listen();
    await this.#settleDocker();
    await this.#deps.firewall.reload();
  }

  /** After a change: senders of datagrams, whose flows never end while they go on, are led by the rules of now. */
  async forget(removed: readonly RuledPort[]): Promise<void> {
    const flows = removed.filter(({ protocol }) => protocol === "udp").map((port) => ({
      ...port,
      address: port.hostIp.includes(":") ? port.six ?? port.address : port.address,
    }));
    await this.#deps.kernel.forgetFlows(flows).catch((thrown) => this.#warn("datagrams may go to old places", thrown));
  }

  /** Takes them away, also those of a former engine. */
  async remove(): Promise<void> {
    this[Symbol.dispose]();
    await this.#deps.docker.remove().catch((thrown) => this.#warn("a rule stays in DOCKER-USER", thrown));
    await this.#deps.firewall.remove().catch((thrown) => this.#warn("the rules stay", thrown));
  }

  /** Lets others do what they like. */
  [Symbol.dispose](): void {
    this.#repair?.[Symbol.dispose]();
    this.#look?.[Symbol.dispose]();
    this.#repair = this.#look = undefined;
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  /** Before the first rules, so that nothing is missed. */
  #listen(): void {
    if (this.#watch !== undefined) return;
    try {
      this.#watch = this.#deps.watch((tables) => this.#noticed(tables));
    } catch (thrown) {
      this.#warn("changes of the rules by others aren't noticed", thrown);
      this.#watch = { [Symbol.dispose]: () => {} };
    }
  }

  #noticed(tables: ReadonlySet<string> | undefined): void {
    const { firewall, clock, log } = this.#deps;
    // Those of iptables, of either version.
    if (tables?.has("filter") ?? true) {
      this.#look ??= clock.after(REPAIR_DELAY_MS, () => {
        this.#look = undefined;
        void this.#followDocker();
      });
    }
    if (!firewall.isDamagedBy(tables) || this.#repair !== undefined) return;
    const isFight = clock.now() - this.#repairedMs < REST_MS;
    this.#delayMs = isFight ? Math.min(2 * this.#delayMs, LONGEST_DELAY_MS) : REPAIR_DELAY_MS;
    this.#repair = clock.after(this.#delayMs, () => {
      this.#repair = undefined;
      this.#repairedMs = clock.now();
      log.warn("somebody has changed the engine's rules; they are loaded anew");
      this.reload().catch((thrown) => this.#stale(thrown));
    });
  }

  /** In the background; the last bridge may have gone meanwhile, and the rules with it. */
  async #followDocker(): Promise<void> {
    await this.#settleDocker();
    await this.settle();
  }

  /** What it can't do cuts containers off at worst, which is said. */
  async #settleDocker(): Promise<void> {
    await this.#deps.docker.settle().catch((thrown) => this.#warn("a dockerd's rules may cut containers off", thrown));
  }

  #stale(thrown: unknown): void {
    this.#warn("the rules are not those of now", thrown);
  }

  #warn(what: string, thrown: unknown): void {
    this.#deps.log.warn(what, { error: toTsdError(thrown).message });
  }
}
