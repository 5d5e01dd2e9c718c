/**
 * @module
 * A dockerd on the same machine lets nothing be forwarded but what its rules are for, and so cuts our containers off. The
 * chain DOCKER-USER is where it leaves room for others: there, and nowhere else, the engine puts one rule, which lets
 * through what the engine's own rules have marked, and which has the engine's name as its comment. Rules that somebody
 * else has put there come before it.
 */
import type { Log } from "../../log.ts";
import type { ChainName } from "../../network/nft_messages.ts";
import type { NftConnection } from "../../network/nft_connection.ts";
import type { HostExec } from "../../runtime/host_exec.ts";
import { programPath } from "./host_programs.ts";

/** The bit that says "let through". */
export const MARK = 0x2000;

const CHAIN = "DOCKER-USER";
/** Of each kind of iptables: its program, and how to see without running it whether it has any rules. */
const KINDS = [
  { program: "iptables-nft", family: "ip" },
  { program: "ip6tables-nft", family: "ip6" },
  { program: "iptables-legacy", tables: "/proc/net/ip_tables_names" },
  { program: "ip6tables-legacy", tables: "/proc/net/ip6_tables_names" },
] as const;
type Kind = typeof KINDS[number];
/** Changes of legacy rules aren't told by the kernel: how often they are looked at while containers start, in ms. */
const LEGACY_PAUSE_MS = 10_000;

export interface DockerUserChainDeps {
  readonly log: Log;
  /** Name of the engine's own rules. */
  readonly name: string;
  readonly kernel: Pick<NftConnection, "policyOf" | "hasRuleWith">;
  readonly run: HostExec;
  readonly now?: () => number;
}

/** See the module's comment. */
export class DockerUserChain {
  readonly #deps: DockerUserChainDeps;
  readonly #inPlace = new Set<string>();
  #legacyAt = -Infinity;
  /** One after another: who looks while another one puts a rule there would put a second one. */
  #last: Promise<void> = Promise.resolve();

  constructor(deps: DockerUserChainDeps) {
    this.#deps = deps;
  }

  /** What the engine's rules have to mark packets with; undefined where nobody looks. */
  get mark(): number | undefined {
    return this.#inPlace.size > 0 ? MARK : undefined;
  }

  /** Whether legacy rules may have changed since they were looked at. */
  get isDue(): boolean {
    return this.#now() - this.#legacyAt > LEGACY_PAUSE_MS && KINDS.some((kind) => "tables" in kind && hasFilter(kind));
  }

  /** Puts the rule where one is needed. @throws {TsdError} timeout */
  settle(): Promise<void> {
    return this.#inTurn(() => this.#settle());
  }

  /** Takes the rules away, also those of a former engine. @throws {TsdError} timeout */
  remove(): Promise<void> {
    return this.#inTurn(() => this.#remove());
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #settle(): Promise<void> {
    this.#legacyAt = this.#now();
    for (const kind of KINDS) {
      const state = await this.#stateOf(kind);
      if (state === undefined) this.#inPlace.delete(kind.program);
      else if (state.hasRule || await this.#insert(kind, state.place)) this.#inPlace.add(kind.program);
    }
  }

  async #remove(): Promise<void> {
    this.#inPlace.clear();
    for (const kind of KINDS) {
      // Former engines may have left several.
      while ((await this.#stateOf(kind, { whateverPolicy: true }))?.hasRule) {
        if (await this.#call(kind, ["-D", CHAIN, ...this.#rule]) === undefined) break;
      }
    }
  }

  /** Undefined where there is no such chain, or nothing that it would be needed for. */
  async #stateOf(kind: Kind, { whateverPolicy = false } = {}): Promise<State | undefined> {
    if ("tables" in kind) return hasFilter(kind) ? await this.#stateByProgram(kind, whateverPolicy) : undefined;
    const { kernel } = this.#deps;
    const chain = (name: string): ChainName => ({ family: kind.family, table: "filter", chain: name });
    if (await kernel.policyOf(chain(CHAIN)) === undefined) return undefined;
    if (!whateverPolicy && await kernel.policyOf(chain("FORWARD")) !== "drop") return undefined;
    if (await kernel.hasRuleWith(chain(CHAIN), this.#comment)) return { hasRule: true, place: undefined };
    return await this.#stateByProgram(kind, whateverPolicy);
  }

  async #stateByProgram(kind: Kind, whateverPolicy: boolean): Promise<State | undefined> {
    const listed = await this.#call(kind, ["-S"]);
    const lines = listed?.split("\n") ?? [];
    if (!lines.includes(`-N ${CHAIN}`) || (!whateverPolicy && !lines.includes("-P FORWARD DROP"))) return undefined;
    const rules = lines.filter((line) => line.startsWith(`-A ${CHAIN} `));
    const last = rules.length;
    return {
      hasRule: rules.some((line) => line.includes(this.#comment)),
      place: rules.at(-1) === `-A ${CHAIN} -j RETURN` ? last : last + 1,
    };
  }

  async #insert(kind: Kind, place = 1): Promise<boolean> {
    const done = await this.#call(kind, ["-I", CHAIN, String(place), ...this.#rule]) !== undefined;
    if (done) this.#deps.log.info("a dockerd's rules let containers' packets through now", { by: kind.program });
    return done;
  }

  /** What it prints; undefined where it isn't there or fails, which is logged. */
  async #call({ program }: Kind, args: readonly string[]): Promise<string | undefined> {
    const { log, run } = this.#deps;
    const path = programPath(program);
    if (path === undefined) {
      log.warn("a dockerd's rules may cut containers off", { why: `there is no ${program} on this machine` });
      return undefined;
    }
    const { exitCode, stdout, stderr } = await run(path, ["--wait", "5", ...args]);
    if (exitCode === 0) return stdout;
    log.warn("a dockerd's rules may cut containers off", { why: `${program} says: ${stderr.trim().split("\n")[0]}` });
    return undefined;
  }

  get #comment(): string {
    return `${this.#deps.name}: let containers through`;
  }

  get #rule(): string[] {
    const bit = `0x${MARK.toString(16)}`;
    return ["-m", "mark", "--mark", `${bit}/${bit}`, "-m", "comment", "--comment", this.#comment, "-j", "ACCEPT"];
  }

  #now(): number {
    return this.#deps.now?.() ?? performance.now();
  }
}

interface State {
  readonly hasRule: boolean;
  /** Where one would go, counted from 1. */
  readonly place: number | undefined;
}

/** Reading the list loads nothing, as calling the program would. */
function hasFilter({ tables }: { readonly tables: string }): boolean {
  try {
    return Deno.readTextFileSync(tables).split("\n").includes("filter");
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
