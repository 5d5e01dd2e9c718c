/**
 * @module
 * Plugins from files: found in folders, installed, granted what they ask for, put on the bus and taken off it. Nothing of a
 * plugin runs before it was looked at without any permission, and nothing is granted that nobody has granted.
 */
import type { PluginGrant, PluginInfo, PluginLook, PluginTestResponse } from "../../api/wire/mod.ts";
import { isTsdError, toTsdError, TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { writeFileDurably } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import { checkSettings, type Permissions, type PluginManifest } from "../../plugins/host/manifest.ts";
import type { HookBus, Plugin } from "../../plugins/mod.ts";
import type { InstalledPlugins } from "../../store/installed_plugins.ts";
import type { PluginRecords } from "../../store/plugin_records.ts";
import { KeyedLock } from "../keyed_lock.ts";
import { foreignPlugin, storageCall } from "./foreign_plugin.ts";
import { extensionOf, filesIn, readPlugin } from "./plugin_files.ts";
import { PluginLog } from "./plugin_log.ts";
import { PluginLooks, type SentFile } from "./plugin_looks.ts";
import { tryPlugin } from "./plugin_trial.ts";
import type { PluginStarter } from "./plugin_starter.ts";
import { granted, infoOf, type Known, obstacleOf, type StoredPlugin } from "./plugin_state.ts";

export interface PluginServiceDeps {
  readonly records: InstalledPlugins<PluginManifest, Permissions>;
  readonly bus: Pick<HookBus, "replace" | "has" | "list">;
  /** What plugins keep. */
  readonly storage: Pick<PluginRecords, "clear">;
  readonly starter: Pick<PluginStarter, "look" | "start" | "clear">;
  /** Where plugins may be dropped. */
  readonly folders: readonly string[];
  /** Settings from the engine's configuration, by name; those that somebody gave since go before them. */
  readonly configured: Readonly<Record<string, unknown>>;
  /** Copies of those that were installed, and logs. */
  readonly home: string;
  readonly log: Log;
}

/** See the module's comment. */
export class PluginService implements AsyncDisposable {
  readonly #deps: PluginServiceDeps;
  readonly #log: Log;
  readonly #known = new Map<string, Known>();
  readonly #looks: PluginLooks;
  readonly #locks = new KeyedLock();

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
    this.#looks = new PluginLooks(deps.home, deps.starter);
    this.#log = deps.log.scope("plugins");
  }

  /** Takes up all that are known, and those that were dropped meanwhile. A plugin that is broken is logged. */
  async open(): Promise<void> {
    await this.#deps.starter.clear();
    await this.#looks.sweep();
    for (const record of this.#deps.records.list()) await this.#takeUp(record);
    await this.scan();
  }

  /** Ends all processes; nothing is asked any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#known.values()].map(({ running }) => running?.[Symbol.asyncDispose]()));
  }

  /** Looks for files that are new or have changed. */
  async scan(): Promise<void> {
    for (const name of [...this.#known.keys()]) {
      await this.#locks.run(name, async () => {
        const known = this.#known.get(name);
        if (known === undefined) return;
        const { record, triedDigest = record.digest } = known;
        const now = await this.#digest(record.file).catch(() => "");
        if (now !== triedDigest) await this.#takeUp(record);
      });
    }
    const known = new Set([...this.#known.values()].map(({ record }) => record.file));
    const files = (await Promise.all(this.#deps.folders.map(filesIn))).flat().filter((file) => !known.has(file));
    for (const file of files) await this.#introduce(file);
  }

  /** By name. */
  list(): PluginInfo[] {
    const states = new Map(this.#deps.bus.list().map((status) => [status.name, status]));
    return [...this.#known.values()].sort((a, b) => a.record.name < b.record.name ? -1 : 1)
      .map((known) => infoOf(known, states.get(known.record.name)));
  }

  /** @throws {TsdError} not_found */
  inspect(name: string): PluginInfo {
    return infoOf(this.#find(name), this.#deps.bus.list().find((status) => status.name === name));
  }

  /** What a file is; nothing stays of it. @throws {TsdError} invalid_argument */
  async look(sent: SentFile): Promise<PluginLook> {
    const { name, version, description, hooks, permissions } = await this.#looks.manifestOf(sent);
    return {
      Name: name,
      Version: version,
      Description: description,
      Hooks: hooks,
      Permissions: permissions as PluginLook["Permissions"],
    };
  }

  /** Keeps a copy of a file and uses it from now on; one of that name is replaced. @throws {TsdError} invalid_argument */
  async install(
    { fileName, content, grant }: SentFile & { readonly grant: PluginGrant },
  ): Promise<PluginInfo> {
    const manifest = await this.#looks.manifestOf({ fileName, content });
    const { name } = manifest;
    return await this.#locks.run(name, async () => {
      const before = this.#known.get(name)?.record;
      const file = `${this.#deps.home}/${name}${extensionOf(fileName)}`;
      if (before !== undefined && !this.#isOurs(before)) {
        throw new TsdError("conflict", `There is a plugin ${name} already, in ${before.file}: remove that file first`);
      }
      const record = granted({
        ...{ name, file, manifest, digest: await sha256Hex(content), isEnabled: true },
        ...{ granted: before?.granted ?? {}, config: before?.config ?? {} },
      }, grant);
      this.#refuseTaken(name);
      await writeFileDurably(file, content, { mode: 0o600 });
      await this.#admit(record);
      if (before !== undefined && before.file !== file) await Deno.remove(before.file).catch(ifMissing);
      return this.inspect(name);
    });
  }

  /** Uses it, with what it is granted beside what it was; its file is read again. @throws {TsdError} not_found, invalid_argument */
  async enable(name: string, grant: PluginGrant): Promise<PluginInfo> {
    this.#find(name);
    return await this.#locks.run(name, async () => {
      await this.#takeUp(granted({ ...this.#find(name).record, isEnabled: true }, grant));
      return this.inspect(name);
    });
  }

  /** @throws {TsdError} not_found */
  async disable(name: string): Promise<PluginInfo> {
    this.#find(name);
    return await this.#locks.run(name, async () => {
      await this.#admit({ ...this.#find(name).record, isEnabled: false });
      return this.inspect(name);
    });
  }

  /** With its copy and its log; what was dropped into a folder is somebody else's, and refused. @throws {TsdError} not_found, conflict */
  async remove(name: string): Promise<void> {
    this.#find(name);
    await this.#locks.run(name, async () => {
      const { record } = this.#find(name);
      const isOurs = this.#isOurs(record);
      const isThere = await Deno.lstat(record.file).then(() => true, () => false);
      if (!isOurs && isThere) {
        throw new TsdError("conflict", `Plugin ${name} is the file ${record.file}: remove that, or disable the plugin`);
      }
      await this.#onBus(name, undefined);
      this.#deps.records.remove(name);
      this.#known.delete(name);
      if (isOurs) await Deno.remove(record.file).catch(ifMissing);
      this.#logOf(name).remove();
      this.#deps.storage.clear(name);
    });
  }

  /** Tries a file on a recorded life. @throws {TsdError} invalid_argument */
  async test(
    { settings, ...sent }: SentFile & { readonly settings: Readonly<Record<string, unknown>> },
  ): Promise<PluginTestResponse> {
    return await this.#looks.staged(sent, async (file) => {
      const manifest = await this.#looks.look(file, sent.fileName);
      return await tryPlugin(this.#deps.starter, manifest, file, settings);
    });
  }

  /** The last lines of a plugin's log. @throws {TsdError} not_found */
  async logs(name: string, lines: number): Promise<string[]> {
    return await this.#logOf(this.#find(name).record.name).read(lines);
  }

  /** A file that was dropped into a folder. */
  async #introduce(file: string): Promise<void> {
    try {
      const content = await readPlugin(file);
      const manifest = await this.#looks.look(file);
      const { name } = manifest;
      const record = {
        name,
        file,
        manifest,
        digest: await sha256Hex(content),
        granted: {},
        config: {},
        isEnabled: true,
      };
      await this.#locks.run(name, async () => {
        const other = this.#known.get(name)?.record.file;
        if (other === file) return; // somebody else has found it too
        if (other !== undefined) throw new TsdError("conflict", `${other} has a plugin of the same name, ${name}`);
        this.#refuseTaken(name);
        await this.#admit(record);
      });
    } catch (thrown) {
      this.#log.error("a file is no plugin that can be used", { file, error: toTsdError(thrown).message });
    }
  }

  /** Uses it as its file is now; the caller holds the lock, or is the first. */
  async #takeUp(record: StoredPlugin): Promise<void> {
    const { name } = record;
    let digest = "";
    try {
      digest = await this.#digest(record.file);
      const manifest = digest === record.digest ? record.manifest : await this.#looks.look(record.file);
      if (manifest.name !== name) {
        throw new TsdError("conflict", `${record.file} is plugin ${manifest.name} now, and was ${name}`);
      }
      this.#refuseTaken(name);
      await this.#admit({ ...record, digest, manifest });
    } catch (thrown) {
      const why = toTsdError(thrown).message;
      this.#log.error("a plugin can't be used", { plugin: name, error: why });
      // A file that somebody has taken away is nobody's word; one that is broken is one that can't be asked.
      const isAsked = record.isEnabled && record.manifest.required && !isTsdError(thrown, "not_found");
      await this.#standIn({ record, state: "failed", why, triedDigest: digest }, isAsked);
    }
  }

  async #digest(file: string): Promise<string> {
    return await sha256Hex(await readPlugin(file));
  }

  /** Records it, and uses it if nothing is missing. @throws {TsdError} and nothing is changed */
  async #admit(record: StoredPlugin): Promise<void> {
    const { name } = record;
    const config = this.#settings(record);
    const obstacle = obstacleOf({ ...record, config });
    if (obstacle === undefined) return await this.#use(record, config);
    const before = this.#known.get(name)?.record ?? this.#deps.records.list().find((each) => each.name === name);
    this.#deps.records.put(record);
    if (obstacle.state === "waiting") this.#log.warn("a plugin waits", { plugin: name, for: obstacle.why });
    // One that has been in use and is required isn't passed over because its file has changed.
    const wasUsed = before !== undefined && obstacleOf({ ...before, config: this.#settings(before) }) === undefined;
    await this.#standIn({ record, ...obstacle }, obstacle.state === "waiting" && record.manifest.required && wasUsed);
  }

  async #use(record: StoredPlugin, config: Readonly<Record<string, unknown>>): Promise<void> {
    const { name, manifest, granted: permissions } = record;
    const { plugin, running } = foreignPlugin(manifest, permissions, async (storage) => {
      if (await this.#digest(record.file) !== record.digest) {
        void this.scan().catch((thrown) => this.#log.error("plugins can't be looked for", { error: String(thrown) }));
        throw new TsdError("conflict", "its file has changed, and is looked at first");
      }
      const log = this.#logOf(name);
      return await this.#deps.starter.start({
        ...{ name, file: record.file, permissions, memoryMb: manifest.memoryMb },
        config: checkSettings(manifest, config),
        log: (level, message) => log.write(level, message),
        storage: (message) => storageCall(storage, message),
      });
    });
    const ended = this.#onBus(name, plugin);
    this.#deps.records.put(record);
    this.#known.set(name, { record, state: "enabled", why: "", running });
    this.#log.info("a plugin is in use", { plugin: name, hooks: manifest.hooks.join(",") });
    await ended;
  }

  /** For one that isn't in use: nothing, or, where it has to be asked, a plugin that can't be. */
  async #standIn(known: Known, isAsked: boolean): Promise<void> {
    const { record: { name, manifest }, why } = known;
    const standIn = isAsked ? foreignPlugin(manifest, {}, () => Promise.reject(new Error(why))) : undefined;
    const ended = this.#onBus(name, standIn?.plugin);
    this.#known.set(name, standIn === undefined ? known : { ...known, running: standIn.running });
    await ended;
  }

  /** In place of what is known under that name; a built-in plugin's place is its own. @throws {TsdError} at once */
  #onBus(name: string, plugin: Plugin | undefined): Promise<void> {
    const isOurs = this.#known.get(name)?.running !== undefined;
    if (plugin === undefined && !isOurs) return Promise.resolve();
    return this.#deps.bus.replace(name, plugin);
  }

  /** @throws {TsdError} conflict: a plugin that is built in has the name */
  #refuseTaken(name: string): void {
    if (!this.#deps.bus.has(name) || this.#known.get(name)?.running !== undefined) return;
    throw new TsdError("conflict", `A plugin that comes with tsd is called ${name}: give this one another name`);
  }

  /** Whether its file is a copy of ours, and nobody else's. */
  #isOurs({ file }: StoredPlugin): boolean {
    return file.startsWith(`${this.#deps.home}/`);
  }

  #settings({ name, config }: StoredPlugin): Readonly<Record<string, unknown>> {
    return { ...this.#deps.configured[name] as Record<string, unknown> | undefined, ...config };
  }

  #logOf(name: string): PluginLog {
    const failed = (thrown: unknown) =>
      this.#log.warn("a plugin's log can't be written", { plugin: name, error: String(thrown) });
    return new PluginLog(`${this.#deps.home}/${name}.log`, Date.now, failed);
  }

  #find(name: string): Known {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    throw new TsdError("not_found", `No such plugin: ${name}`);
  }
}

function ifMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
