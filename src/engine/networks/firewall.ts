/**
 * @module
 * The engine's table of nftables, loaded whole whenever what it is made from has changed.
 */
import { noRules, type Ruleset, ruleset } from "../../network/ruleset.ts";
import type { RunNetworkProgram } from "./host_programs.ts";

const ATTEMPT = "set the rules of the containers' networks";

/** See the module's comment. */
export class Firewall {
  readonly #run: RunNetworkProgram;
  readonly #present: () => Ruleset;
  #loaded = "";
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** @param present what there is when it is asked */
  constructor(run: RunNetworkProgram, present: () => Ruleset) {
    this.#run = run;
    this.#present = present;
  }

  /** Whether this engine has rules in the kernel. */
  get isLoaded(): boolean {
    return this.#loaded !== "";
  }

  /** Resolves when the rules are those of now or later. @throws {TsdError} runtime_missing, runtime_failed */
  update(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(() => {
      this.#next = undefined;
      return this.#load();
    });
    this.#next = next;
    this.#current = next.then(() => undefined, () => undefined);
    return next;
  }

  /** Loads the rules also where nothing has changed: somebody may have removed them. @throws as `update` */
  reload(): Promise<void> {
    this.#loaded = "";
    return this.update();
  }

  /** Takes the table away. @throws {TsdError} runtime_missing, runtime_failed */
  async remove(): Promise<void> {
    await this.#current;
    this.#loaded = "";
    await this.#run("remove the rules of the containers' networks", ["nft", "-f", "-"], noRules(this.#present().table));
  }

  async #load(): Promise<void> {
    const text = ruleset(this.#present());
    if (text === this.#loaded) return;
    await this.#run(ATTEMPT, ["nft", "-f", "-"], text);
    this.#loaded = text;
  }
}
