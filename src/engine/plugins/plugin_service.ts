/**
 * @module
 * Plugins from files: found in folders, installed, granted what they ask for, put on the bus and taken off it. Nothing of a
 * plugin runs before it was looked at without any permission, and nothing is granted that nobody has granted.
 */
import type { PluginGrant, PluginInfo, PluginLook, PluginState, PluginTestResponse } from "../../api/wire/mod.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { writeFileDurably } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import {
  checkSettings,
  missingPermissions,
  parsePermissions,
  type Permissions,
  type PluginManifest,
} from "../../plugins/host/manifest.ts";
import type { HookBus, PluginStatus } from "../../plugins/mod.ts";
import type { InstalledPlugin, InstalledPlugins } from "../../store/installed_plugins.ts";
import type { PluginRecords } from "../../store/plugin_records.ts";
import { namesIn } from "../folders.ts";
import { KeyedLock } from "../keyed_lock.ts";
import { foreignPlugin, storageCall } from "./foreign_plugin.ts";
import { extensionOf, filesIn, readPlugin } from "./plugin_files.ts";
import { PluginLog } from "./plugin_log.ts";
import { permissionWords } from "./permission_words.ts";
import { tryPlugin } from "./plugin_trial.ts";
import type { PluginStarter } from "./plugin_starter.ts";
import type { RunningPlugin } from "./running_plugin.ts";

type StoredPlugin = InstalledPlugin<PluginManifest, Permissions>;

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

/** One that is known, and how it fares. */
interface Known {
  readonly record: StoredPlugin;
  /** Why it is not on the bus. */
  readonly state: Exclude<PluginState, "failed"> | "failed";
  readonly why: string;
  readonly running?: RunningPlugin;
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

/** Why a plugin isn't used as it stands. */
function obstacleOf(
  { manifest, granted, config, isEnabled, name }: StoredPlugin,
): Pick<Known, "state" | "why"> | undefined {
  if (!isEnabled) return { state: "disabled", why: "somebody disabled it" };
  const missing = missingPermissions(manifest.permissions, granted);
  if (Object.keys(missing).length > 0) {
    const wanted = permissionWords(missing as PluginInfo["Permissions"]);
    return { state: "waiting", why: `it asks for ${wanted}; grant that with tsd plugin enable ${name}` };
  }
  try {
    checkSettings(manifest, config);
    return undefined;
  } catch (thrown) {
    return {
      state: "waiting",
      why: `its settings: ${toTsdError(thrown).message}; give them with tsd plugin enable --set`,
    };
  }
}

/** With more permissions and other settings; a setting of null is taken back. @throws {TsdError} invalid_argument */
function granted(record: StoredPlugin, { Permissions: given, Config: config }: PluginGrant): StoredPlugin {
  const more = given === undefined ? {} : parsePermissions(given);
  const kinds = [...new Set([...Object.keys(record.granted), ...Object.keys(more)])] as (keyof Permissions)[];
  const all = kinds.map((kind) => [kind, [...new Set([...record.granted[kind] ?? [], ...more[kind] ?? []])].sort()]);
  const settings = Object.entries({ ...record.config, ...config }).filter(([, value]) => value !== null);
  return { ...record, granted: Object.fromEntries(all) as Permissions, config: Object.fromEntries(settings) };
}

function infoOf({ record, state, why, running }: Known, status: PluginStatus | undefined): PluginInfo {
  const { manifest } = record;
  const hasFailed = status?.enabled === false;
  return {
    Name: record.name,
    Version: manifest.version,
    Description: manifest.description,
    File: record.file,
    Hooks: manifest.hooks,
    Order: manifest.order,
    Required: manifest.required,
    State: hasFailed ? "failed" : state,
    Why: hasFailed ? `it has failed ${status.failuresInARow} times in a row` : why,
    Permissions: manifest.permissions as PluginInfo["Permissions"],
    Granted: record.granted as PluginInfo["Granted"],
    Config: record.config,
    Running: running?.isRunning ?? false,
    MemoryMb: manifest.memoryMb,
    Calls: status?.calls ?? 0,
    Failures: status?.failures ?? 0,
    LastError: status?.lastError ?? "",
  };
}

function ifMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
