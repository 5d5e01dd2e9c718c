/**
 * @module
 * Plugins that are known, each used if nothing is missing: then it is on the bus, else it says why not. A plugin that is
 * required and can't be used stands on the bus all the same, as one that can't be asked.
 */
import { isTsdError, toTsdError, TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import type { Log } from "../../log.ts";
import { checkSettings } from "../../plugins/host/manifest.ts";
import type { Plugin } from "../../plugins/mod.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { externalPlugin, FileChanged, storageCall } from "./external_plugin.ts";
import { readPlugin } from "./plugin_files.ts";
import { PluginLog } from "./plugin_log.ts";
import type { PluginInspector } from "./plugin_inspector.ts";
import type { PluginServiceDeps } from "./plugin_service.ts";
import { LAST_MS } from "./running_plugin.ts";
import { type Known, obstacleOf, type StoredPlugin } from "./plugin_state.ts";

/** See the module's comment. What is done to one plugin is done one after another: whoever calls holds its lock. */
export class PluginManager {
  readonly #deps: PluginServiceDeps;
  readonly #looks: Pick<PluginInspector, "look">;
  readonly #log: Log;
  readonly #known = new Map<string, Known>();
  /** By name. */
  readonly locks = new KeyedLock();

  constructor(deps: PluginServiceDeps, looks: Pick<PluginInspector, "look">) {
    this.#deps = deps;
    this.#looks = looks;
    this.#log = deps.log.scope("plugins");
  }

  list(): Known[] {
    return [...this.#known.values()];
  }

  get(name: string): Known | undefined {
    return this.#known.get(name);
  }

  /** Uses it as its file is now. One that can't be used says why. */
  async takeUp(record: StoredPlugin): Promise<void> {
    const { name } = record;
    let digest = "";
    try {
      digest = await digestOf(record.file);
      const manifest = digest === record.digest ? record.manifest : await this.#looks.look(record.file);
      if (manifest.name !== name) {
        throw new TsdError("conflict", `${record.file} is plugin ${manifest.name} now, and was ${name}`);
      }
      this.refuseTaken(name);
      await this.admit({ ...record, digest, manifest });
    } catch (thrown) {
      const why = toTsdError(thrown).message;
      this.#log.error("a plugin can't be used", { plugin: name, error: why });
      // A file that somebody has taken away is nobody's word; one that is broken is one that can't be asked.
      const isRequested = record.isEnabled && record.manifest.required && !isTsdError(thrown, "not_found");
      await this.#fake({ record, state: "failed", why, triedDigest: digest }, isRequested);
    }
  }

  /** Takes it up again if its file is another one by now. Takes the lock itself. */
  async reread(name: string): Promise<void> {
    await this.locks.run(name, async () => {
      const known = this.#known.get(name);
      if (known === undefined) return;
      const { record, triedDigest = record.digest } = known;
      const now = await digestOf(record.file).catch(() => "");
      if (now !== triedDigest) await this.takeUp(record);
    });
  }

  /** Records it, and uses it if nothing is missing. @throws {TsdError} and nothing is changed */
  async admit(record: StoredPlugin): Promise<void> {
    const { name } = record;
    const config = this.#settings(record);
    const obstacle = obstacleOf({ ...record, config });
    if (obstacle === undefined) return await this.#use(record, config);
    const before = this.#known.get(name)?.record ?? this.#deps.records.list().find((each) => each.name === name);
    this.#deps.records.put(record);
    if (obstacle.state === "waiting") this.#log.warn("a plugin waits", { plugin: name, for: obstacle.why });
    // One that has been in use and is required isn't passed over because its file has changed.
    const wasUsed = before !== undefined && obstacleOf({ ...before, config: this.#settings(before) }) === undefined;
    await this.#fake({ record, ...obstacle }, obstacle.state === "waiting" && record.manifest.required && wasUsed);
  }

  /** Neither used nor known any more. */
  async forget(name: string): Promise<void> {
    await this.#onBus(name, undefined, { isLast: true });
    this.#deps.records.remove(name);
    this.#known.delete(name);
    this.logOf(name).remove();
    this.#deps.storage.clear(name);
  }

  /** @throws {TsdError} conflict: a plugin that is built in has the name */
  refuseTaken(name: string): void {
    if (!this.#deps.bus.has(name) || this.#known.get(name)?.running !== undefined) return;
    throw new TsdError("conflict", `A plugin that comes with tsd is called ${name}: give this one another name`);
  }

  logOf(name: string): PluginLog {
    const failed = (thrown: unknown) =>
      this.#log.warn("a plugin's log can't be written", { plugin: name, error: String(thrown) });
    return new PluginLog(`${this.#deps.home}/${name}.log`, Date.now, failed);
  }

  async #use(record: StoredPlugin, config: Readonly<Record<string, unknown>>): Promise<void> {
    const { name, manifest, granted: permissions } = record;
    const log = this.logOf(name);
    const { plugin, running } = externalPlugin(manifest, permissions, {
      reread: () => this.reread(name),
      failed: (hook, why) => log.write("error", `${hook}: ${why}`),
      start: async (storage, ending) => {
        if (await digestOf(record.file) !== record.digest) throw new FileChanged();
        return await this.#deps.starter.start({
          ...{ name, file: record.file, permissions, memoryMb: manifest.memoryMb },
          config: checkSettings(manifest, config),
          log: (level, message) => log.write(level, message),
          storage: (message) => storageCall(storage, message),
        }, ending);
      },
    });
    const ended = this.#onBus(name, plugin);
    this.#deps.records.put(record);
    this.#known.set(name, { record, state: "enabled", why: "", running });
    this.#log.info("a plugin is in use", { plugin: name, hooks: manifest.hooks.join(",") });
    await ended;
  }

  /** For one that isn't in use: nothing, or, where it has to be asked, a plugin that can't be. */
  async #fake(known: Known, isRequested: boolean): Promise<void> {
    const { record: { name, manifest }, why } = known;
    const refusing = {
      start: () => Promise.reject(new Error(why)),
      reread: () => Promise.resolve(),
      failed: (hook: string, reason: string) => this.logOf(name).write("error", `${hook}: ${reason}`),
    };
    const fake = isRequested ? externalPlugin(manifest, {}, refusing) : undefined;
    const ended = this.#onBus(name, fake?.plugin, { isLast: known.state === "disabled" });
    this.#known.set(name, fake === undefined ? known : { ...known, running: fake.running });
    await ended;
  }

  /**
   * In place of what is known under that name; a built-in plugin's place is its own. Resolves when the other one has ended,
   * which has answered what it was asked by then. Where nobody wants its word any more (`isLast`) it has a moment for that.
   * @throws {TsdError} at once
   */
  #onBus(name: string, plugin: Plugin | undefined, { isLast = false } = {}): Promise<void> {
    const running = this.#known.get(name)?.running;
    if (plugin === undefined && running === undefined) return Promise.resolve();
    const ended = this.#deps.bus.replace(name, plugin, this.#deps.records.placeOf(name));
    return isLast ? Promise.all([ended, running?.finish(LAST_MS)]).then(() => {}) : ended;
  }

  #settings({ name, config }: StoredPlugin): Readonly<Record<string, unknown>> {
    return { ...this.#deps.configured[name] as Record<string, unknown> | undefined, ...config };
  }
}

async function digestOf(file: string): Promise<string> {
  return await sha256Hex(await readPlugin(file));
}
