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
import type { HookBus } from "../../plugins/mod.ts";
import type { InstalledPlugins } from "../../store/installed_plugins.ts";
import type { PluginRecords } from "../../store/plugin_records.ts";
import { namesIn } from "../folders.ts";
import { KeyedLock } from "../keyed_lock.ts";
import { foreignPlugin, storageCall } from "./foreign_plugin.ts";
import { extensionOf, filesIn, readPlugin } from "./plugin_files.ts";
import { PluginLog } from "./plugin_log.ts";
import { tryPlugin } from "./plugin_trial.ts";
import type { PluginStarter } from "./plugin_starter.ts";
import { granted, infoOf, type Known, obstacleOf, type StoredPlugin } from "./plugin_state.ts";

/** Folders of files that are only looked at. */
const STAGED = "look-";

export interface PluginServiceDeps {
  readonly records: InstalledPlugins<PluginManifest, Permissions>;
  readonly bus: Pick<HookBus, "add" | "remove" | "list">;
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
  readonly #locks = new KeyedLock();

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("plugins");
  }

  /** Takes up all that are known, and those that were dropped meanwhile. A plugin that is broken is logged. */
  async open(): Promise<void> {
    await this.#deps.starter.clear();
    for (const name of await namesIn(this.#deps.home)) {
      if (name.startsWith(STAGED)) await Deno.remove(`${this.#deps.home}/${name}`, { recursive: true });
    }
    for (const record of this.#deps.records.list()) await this.#takeUp(record);
    await this.scan();
  }

  /** Ends all processes; nothing is asked any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#known.values()].map(({ running }) => running?.[Symbol.asyncDispose]()));
  }

  /** Looks for files that are new or have changed. */
  async scan(): Promise<void> {
    for (const { record } of [...this.#known.values()]) {
      await this.#locks.run(record.name, async () => {
        const now = await this.#digest(record.file).catch(() => "");
        if (now !== record.digest) await this.#takeUp(record);
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
  async look(
    { fileName, content }: { readonly fileName: string; readonly content: Uint8Array<ArrayBuffer> },
  ): Promise<PluginLook> {
    const digest = await sha256Hex(content);
    const { name, version, description, hooks, permissions } = await this.#staged(
      { fileName, content },
      (file) => this.#look(file, fileName),
    );
    return {
      Name: name,
      Version: version,
      Description: description,
      Hooks: hooks,
      Permissions: permissions as PluginLook["Permissions"],
      Digest: digest,
    };
  }

  /** Keeps a copy of a file and uses it from now on; one of that name is replaced. @throws {TsdError} invalid_argument */
  async install(
    { fileName, content, grant }: {
      readonly fileName: string;
      readonly content: Uint8Array<ArrayBuffer>;
      readonly grant: PluginGrant;
    },
  ): Promise<PluginInfo> {
    const manifest = await this.#staged({ fileName, content }, (file) => this.#look(file, fileName));
    const { name } = manifest;
    return await this.#locks.run(name, async () => {
      const before = this.#known.get(name)?.record;
      const file = `${this.#deps.home}/${name}${extensionOf(fileName)}`;
      if (before !== undefined && !before.file.startsWith(`${this.#deps.home}/`)) {
        throw new TsdError("conflict", `There is a plugin ${name} already, in ${before.file}: remove that file first`);
      }
      const record = granted({
        ...{ name, file, manifest, digest: await sha256Hex(content), isEnabled: true },
        ...{ granted: before?.granted ?? {}, config: before?.config ?? {} },
      }, grant);
      await this.#putAway(name);
      await writeFileDurably(file, content, { mode: 0o600 });
      if (before !== undefined && before.file !== file) await Deno.remove(before.file).catch(ifMissing);
      this.#admit(record);
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
      const { record } = this.#find(name);
      await this.#putAway(name);
      this.#admit({ ...record, isEnabled: false });
      return this.inspect(name);
    });
  }

  /** With its copy and its log; what was dropped into a folder is somebody else's, and refused. @throws {TsdError} not_found, conflict */
  async remove(name: string): Promise<void> {
    this.#find(name);
    await this.#locks.run(name, async () => {
      const { record } = this.#find(name);
      const isOurs = record.file.startsWith(`${this.#deps.home}/`);
      const isThere = await Deno.lstat(record.file).then(() => true, () => false);
      if (!isOurs && isThere) {
        throw new TsdError("conflict", `Plugin ${name} is the file ${record.file}: remove that, or disable the plugin`);
      }
      await this.#putAway(name);
      this.#deps.records.remove(name);
      this.#known.delete(name);
      if (isOurs) await Deno.remove(record.file).catch(ifMissing);
      this.#logOf(name).remove();
      this.#deps.storage.clear(name);
    });
  }

  /** Tries a file on a recorded life. @throws {TsdError} invalid_argument */
  async test(
    { settings, ...file }: {
      readonly fileName: string;
      readonly content: Uint8Array;
      readonly settings: Readonly<Record<string, unknown>>;
    },
  ): Promise<PluginTestResponse> {
    return await this.#staged(file, async (path) => {
      await this.#look(path, file.fileName);
      return await tryPlugin(this.#deps.starter, path, settings);
    });
  }

  /** The last lines of a plugin's log. @throws {TsdError} not_found */
  async logs(name: string, lines: number): Promise<string[]> {
    return await this.#logOf(this.#find(name).record.name).read(lines);
  }

  /** Gives `body` a file that has this content and is gone afterwards. */
  async #staged<T>(
    { fileName, content }: { readonly fileName: string; readonly content: Uint8Array },
    body: (file: string) => Promise<T>,
  ): Promise<T> {
    const folder = `${this.#deps.home}/${STAGED}${crypto.randomUUID()}`;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const file = `${folder}/plugin${extensionOf(fileName)}`;
      await Deno.writeFile(file, content, { mode: 0o600 });
      return await body(file);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** @param shown how the file is called in messages @throws {TsdError} invalid_argument, with the reason for its author */
  async #look(file: string, shown = file): Promise<PluginManifest> {
    try {
      return await this.#deps.starter.look(file);
    } catch (cause) {
      const why = toTsdError(cause).message.replaceAll(`file://${file}`, shown).replace(/\s+/g, " ");
      throw new TsdError("invalid_argument", `${shown} is no plugin that can be used: ${why}`, { cause });
    }
  }

  /** A file that was dropped into a folder. */
  async #introduce(file: string): Promise<void> {
    try {
      const content = await readPlugin(file);
      const manifest = await this.#look(file);
      const { name } = manifest;
      const other = this.#known.get(name)?.record.file;
      if (other !== undefined) throw new TsdError("conflict", `${other} has a plugin of the same name, ${name}`);
      const record = {
        name,
        file,
        manifest,
        digest: await sha256Hex(content),
        granted: {},
        config: {},
        isEnabled: true,
      };
      await this.#locks.run(name, () => Promise.resolve(this.#admit(record)));
    } catch (thrown) {
      this.#log.error("a file is no plugin that can be used", { file, error: toTsdError(thrown).message });
    }
  }

  /** Puts it on the bus again, as its file is now; the caller holds the lock, or is the first. */
  async #takeUp(record: StoredPlugin): Promise<void> {
    await this.#putAway(record.name);
    try {
      const digest = await this.#digest(record.file);
      const manifest = digest === record.digest ? record.manifest : await this.#look(record.file);
      if (manifest.name !== record.name) {
        throw new TsdError("conflict", `${record.file} is plugin ${manifest.name} now, and was ${record.name}`);
      }
      this.#admit({ ...record, digest, manifest });
    } catch (thrown) {
      const why = toTsdError(thrown).message;
      this.#log.error("a plugin can't be used", { plugin: record.name, error: why });
      this.#known.set(record.name, { record, state: "failed", why });
      // A file that somebody has taken away is nobody's word; one that is broken is one that can't be asked.
      if (!record.isEnabled || !record.manifest.required || isTsdError(thrown, "not_found")) return;
      const { plugin, running } = foreignPlugin(record.manifest, () => Promise.reject(thrown));
      this.#known.set(record.name, { record, state: "failed", why, running });
      this.#deps.bus.add(plugin);
    }
  }

  async #digest(file: string): Promise<string> {
    return await sha256Hex(await readPlugin(file));
  }

  /** Records it, and puts it on the bus if nothing is missing. */
  #admit(record: StoredPlugin): void {
    this.#deps.records.put(record);
    const { name } = record;
    const config = { ...this.#deps.configured[name] as Record<string, unknown> | undefined, ...record.config };
    const obstacle = obstacleOf({ ...record, config });
    if (obstacle !== undefined) {
      this.#known.set(name, { record, ...obstacle });
      if (obstacle.state === "waiting") this.#log.warn("a plugin waits", { plugin: name, for: obstacle.why });
      return;
    }
    const { plugin, running } = foreignPlugin(record.manifest, (storage) => {
      const log = this.#logOf(name);
      return this.#deps.starter.start({
        ...{ name, file: record.file, permissions: record.granted, memoryMb: record.manifest.memoryMb },
        config: checkSettings(record.manifest, config),
        log: (level, message) => log.write(level, message),
        storage: (message) => storageCall(storage, message),
      });
    });
    this.#known.set(name, { record, state: "enabled", why: "", running });
    this.#deps.bus.add(plugin);
    this.#log.info("a plugin is in use", { plugin: name, hooks: record.manifest.hooks.join(",") });
  }

  async #putAway(name: string): Promise<void> {
    if (this.#known.get(name)?.running !== undefined) await this.#deps.bus.remove(name);
  }

  #logOf(name: string): PluginLog {
    return new PluginLog(`${this.#deps.home}/${name}.log`);
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
