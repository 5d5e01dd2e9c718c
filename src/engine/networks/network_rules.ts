/**
 * @module
 * When the engine's rules are in the kernel: from the first bridge to the last one, and again after somebody removed them.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { DockerUser } from "./docker_user.ts";
import type { Firewall } from "./firewall.ts";

/** How long several changes of others are waited for before they are answered, and the least time between two answers. */
const REPAIR_DELAY_MS = 100;

export interface NetworkRulesDeps {
  readonly log: Log;
  readonly firewall: Firewall;
  readonly docker: DockerUser;
  /** Whether there is anything to rule. */
  readonly hasBridges: () => boolean;
  /** Tells of changes of others until it is disposed of. */
  readonly watch: (onChange: (tables: ReadonlySet<string> | undefined) => void) => Disposable;
}

/** See the module's comment. */
export class NetworkRules implements Disposable {
  readonly #deps: NetworkRulesDeps;
  #watch: Disposable | undefined;
  #isDamaged = false;
  #repair: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: NetworkRulesDeps) {
    this.#deps = deps;
  }

  /** Resolves when the rules are those of now or later. @throws {TsdError} runtime_missing, runtime_failed */
  async update(): Promise<void> {
    const { firewall, docker } = this.#deps;
    this.#listen();
    if (!firewall.isLoaded) await this.#settleDocker();
    else if (docker.isDue) {
      void this.#settleDocker().then(() => firewall.update()).catch((thrown) => this.#stale(thrown));
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

  /** Takes them away, also those of a former engine. */
  async remove(): Promise<void> {
    this[Symbol.dispose]();
    await this.#deps.docker.remove().catch((thrown) => this.#warn("a rule stays in DOCKER-USER", thrown));
    await this.#deps.firewall.remove().catch((thrown) => this.#warn("the rules stay", thrown));
  }

  /** Lets others do what they like. */
  [Symbol.dispose](): void {
    clearTimeout(this.#repair);
    this.#repair = undefined;
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
    const isDamaged = this.#deps.firewall.isDamagedBy(tables);
    // Those of iptables, of either version.
    const isDockers = tables?.has("filter") ?? true;
    if (isDamaged) this.#isDamaged = true;
    if ((!isDamaged && !isDockers) || this.#repair !== undefined) return;
    this.#repair = setTimeout(() => {
      this.#repair = undefined;
      this.#answer().catch((thrown) => this.#stale(thrown));
    }, REPAIR_DELAY_MS);
  }

  async #answer(): Promise<void> {
    if (!this.#isDamaged) {
      await this.#settleDocker();
      return await this.#deps.firewall.update();
    }
    this.#isDamaged = false;
    this.#deps.log.warn("somebody has changed the engine's rules; they are loaded anew");
    await this.reload();
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
