/**
 * @module
 * The engine's table of nftables. It is loaded whole, by `nft`, at first and after somebody changed it; networks and ports are
 * elements of sets and maps, which the kernel is told of directly. Whatever is wanted while a change is under way becomes
 * one change after it.
 */
import type { Log } from "../../log.ts";
import type { MapElement } from "../../network/nft_messages.ts";
import type { NftConnection } from "../../network/nft_connection.ts";
import { elements, type Ruleset, ruleset } from "../../network/ruleset.ts";
import { toTsdError } from "../../errors.ts";
import type { RunNetworkProgram } from "./host_programs.ts";

const ATTEMPT = "set the rules of the containers' networks";

export interface FirewallDeps {
  readonly run: RunNetworkProgram;
  readonly kernel: Pick<NftConnection, "changeElements" | "removeTable">;
  readonly log: Log;
  /** What there is when it is asked. */
  readonly present: () => Ruleset;
}

/** What the kernel has. */
interface Loaded {
  /** The table without elements. */
  readonly chains: string;
  readonly elements: ReadonlyMap<string, MapElement>;
}

/** See the module's comment. */
export class Firewall {
  readonly #deps: FirewallDeps;
  #loaded: Loaded | undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** Changes by `nft` that were not heard of yet. */
  #expected = 0;
  /** `nft` runs: the kernel may have its rules already, and others may change them. */
  #isLoading = false;

  constructor(deps: FirewallDeps) {
    this.#deps = deps;
  }

  /** Whether this engine has rules in the kernel. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Resolves when the rules are those of now or later. @throws {TsdError} runtime_missing, runtime_failed */
  update(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(() => {
      this.#next = undefined;
      return this.#change();
    });
    this.#next = next;
    this.#current = next.then(() => undefined, () => undefined);
    return next;
  }

  /** Loads the rules also where nothing has changed: somebody may have removed them. @throws as `update` */
  reload(): Promise<void> {
    this.#loaded = undefined;
    return this.update();
  }

  /** Takes the table away. @throws {SysError} */
  async remove(): Promise<void> {
    await this.#current;
    this.#loaded = undefined;
    await this.#deps.kernel.removeTable(this.#deps.present().table);
  }

  /**
   * Some transaction that wasn't made through `kernel` has changed tables (undefined: nobody knows which).
   * Says whether the rules may be others than those of this engine.
   */
  isDamagedBy(tables: ReadonlySet<string> | undefined): boolean {
    if (tables !== undefined && !tables.has(this.#deps.present().table)) return false;
    if (tables !== undefined && this.#expected > 0) {
      this.#expected--;
      return false;
    }
    return this.isLoaded || this.#isLoading;
  }

  async #change(): Promise<void> {
    const { present, kernel, log } = this.#deps;
    const now = present();
    const requested: Loaded = {
      chains: ruleset({ ...now, bridges: [], ports: [] }),
      elements: new Map(elements(now).map((element) => [`${element.map} ${element.text}`, element])),
    };
    const before = this.#loaded;
    if (before?.chains === requested.chains) {
      const lacking = (all: Loaded["elements"], of: Loaded["elements"]) =>
        [...of].filter(([key]) => !all.has(key)).map(([, element]) => element);
      const removed = lacking(requested.elements, before.elements);
      const added = lacking(before.elements, requested.elements);
      try {
        await kernel.changeElements({ table: now.table, removed, added });
        this.#loaded = requested;
        return;
      } catch (thrown) {
        log.warn("the rules were not those of before and are loaded anew", { error: toTsdError(thrown).message });
      }
    }
    await this.#load(ruleset(now));
    this.#loaded = requested;
  }

  async #load(text: string): Promise<void> {
    this.#loaded = undefined;
    this.#expected++;
    this.#isLoading = true;
    try {
      await this.#deps.run(ATTEMPT, ["nft", "-f", "-"], text);
    } catch (thrown) {
      this.#expected--;
      throw thrown;
    } finally {
      this.#isLoading = false;
    }
  }
}
