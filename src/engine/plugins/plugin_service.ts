/**
 * @module
 * Plugins from files: found in folders, installed, granted what they ask for, put away. Nothing of a plugin runs before it was looked at without any permission, and nothing is granted that nobody has granted.
 */
import type { PluginGrant, PluginInfo, PluginInspection, PluginTestResponse } from "../../api_types/mod.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { writeFileDurably } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import type { Permissions, PluginManifest } from "../../plugins/host/manifest.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { InstalledPlugins } from "../../store/installed_plugins.ts";
import type { PluginRecords } from "../../store/plugin_records.ts";
import { extensionOf, filesIn, readPlugin } from "./plugin_files.ts";
import { PluginInspector, type SentFile } from "./plugin_inspector.ts";
import { tryPlugin } from "./plugin_trial.ts";
import type { PluginStarter } from "./plugin_starter.ts";
import { granted, infoOf, type Known, type StoredPlugin } from "./plugin_state.ts";
import { LAST_MS } from "./running_plugin.ts";
import { PluginManager } from "./plugin_manager.ts";

export interface PluginServiceDeps {
  readonly records: InstalledPlugins<PluginManifest, Permissions>;
  readonly bus: Pick<HookBus, "replace" | "has" | "list">;
  /** What plugins keep. */
  readonly storage: Pick<PluginRecords, "clear">;
  readonly starter: Pick<PluginStarter, "look" | "start" | "clear">;
  /** Where plugins may be dropped. */
  readonly dirs: readonly string[];
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
  readonly #looks: PluginInspector;
  readonly #inUse: PluginManager;

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
    this.#looks = new PluginInspector(deps.home, deps.starter);
    this.#inUse = new PluginManager(deps, this.#looks);
    this.#log = deps.log.scope("plugins");
  }

  /** Takes up all that are known, and those that were dropped meanwhile. A plugin that is broken is logged. */
  async open(): Promise<void> {
    await this.#deps.starter.clear();
    await this.#looks.sweep();
    for (const record of this.#deps.records.list()) await this.#inUse.takeUp(record);
    await this.scan();
  }

  /** Ends all processes. For what they are told last they have a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#inUse.list().map(({ running }) => running?.finish(LAST_MS)));
  }

  /** Looks for files that are new or have changed. */
  async scan(): Promise<void> {
    for (const { record } of this.#inUse.list()) await this.#inUse.reread(record.name);
    const known = new Set(this.#inUse.list().map(({ record }) => record.file));
    const files = (await Promise.all(this.#deps.dirs.map(filesIn))).flat().filter((file) => !known.has(file));
    for (const file of files) await this.#introduce(file);
  }

  /** By name. */
  list(): PluginInfo[] {
    const states = new Map(this.#deps.bus.list().map((status) => [status.name, status]));
    return this.#inUse.list().sort((a, b) => a.record.name < b.record.name ? -1 : 1)
      .map((known) => infoOf(known, states.get(known.record.name)));
  }

  /** @throws {TsdError} not_found */
  inspect(name: string): PluginInfo {
    return infoOf(this.#find(name), this.#deps.bus.list().find((status) => status.name === name));
  }

  /** What a file is; nothing stays of it. @throws {TsdError} invalid_argument */
  async look(sent: SentFile): Promise<PluginInspection> {
    const { name, version, description, hooks, permissions } = await this.#looks.manifestOf(sent);
    return {
      Name: name,
      Version: version,
      Description: description,
      Hooks: hooks,
      Permissions: permissions as PluginInspection["Permissions"],
    };
  }

  /** Keeps a copy of a file and uses it from now on; one of that name is replaced. @throws {TsdError} invalid_argument */
  async install(
    { fileName, content, grant }: SentFile & { readonly grant: PluginGrant },
  ): Promise<PluginInfo> {
    const manifest = await this.#looks.manifestOf({ fileName, content });
    const { name } = manifest;
    return await this.#inUse.locks.run(name, async () => {
      const before = this.#inUse.get(name)?.record;
      const file = `${this.#deps.home}/${name}${extensionOf(fileName)}`;
      if (before !== undefined && !this.#isManaged(before)) {
        throw new TsdError("conflict", `There is a plugin ${name} already, in ${before.file}: remove that file first`);
      }
      const record = granted({
        ...{ name, file, manifest, digest: await sha256Hex(content), isEnabled: true },
        ...{ granted: before?.granted ?? {}, config: before?.config ?? {} },
      }, grant);
      this.#inUse.refuseTaken(name);
      await writeFileDurably(file, content, { mode: 0o600 });
      await this.#inUse.admit(record);
      if (before !== undefined && before.file !== file) await Deno.remove(before.file).catch(ifMissing);
      return this.inspect(name);
    });
  }

  /** Uses it, with what it is granted beside what it was; its file is read again. @throws {TsdError} not_found, invalid_argument */
  async enable(name: string, grant: PluginGrant): Promise<PluginInfo> {
    this.#find(name);
    return await this.#inUse.locks.run(name, async () => {
      await this.#inUse.takeUp(granted({ ...this.#find(name).record, isEnabled: true }, grant));
      return this.inspect(name);
    });
  }

  /** @throws {TsdError} not_found */
  async disable(name: string): Promise<PluginInfo> {
    this.#find(name);
    return await this.#inUse.locks.run(name, async () => {
      await this.#inUse.admit({ ...this.#find(name).record, isEnabled: false });
      return this.inspect(name);
    });
  }

  /** With its copy and its log; what was dropped into a folder is somebody else's, and refused. @throws {TsdError} not_found, conflict */
  async remove(name: string): Promise<void> {
    this.#find(name);
    await this.#inUse.locks.run(name, async () => {
      const { record } = this.#find(name);
      const isManaged = this.#isManaged(record);
      const exists = await Deno.lstat(record.file).then(() => true, () => false);
      if (!isManaged && exists) {
        throw new TsdError("conflict", `Plugin ${name} is the file ${record.file}: remove that, or disable the plugin`);
      }
      await this.#inUse.forget(name);
      if (isManaged) await Deno.remove(record.file).catch(ifMissing);
    });
  }

  /** Tries a file on a recorded life. @throws {TsdError} invalid_argument */
  async test(
    { settings, ...sent }: SentFile & { readonly settings: Readonly<Record<string, unknown>> },
  ): Promise<PluginTestResponse> {
    return await this.#looks.staged(sent, async (file) => {
      const manifest = await this.#looks.look(file, sent.fileName);
      return await tryPlugin(this.#deps.starter, manifest, { file, shown: sent.fileName }, settings);
    });
  }

  /** The last lines of a plugin's log. @throws {TsdError} not_found */
  async logs(name: string, lines: number): Promise<string[]> {
    return await this.#inUse.logOf(this.#find(name).record.name).read(lines);
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
      await this.#inUse.locks.run(name, async () => {
        const other = this.#inUse.get(name)?.record.file;
        if (other === file) return; // somebody else has found it too
        if (other !== undefined) throw new TsdError("conflict", `${other} has a plugin of the same name, ${name}`);
        this.#inUse.refuseTaken(name);
        await this.#inUse.admit(record);
      });
    } catch (thrown) {
      this.#log.error("a file is no plugin that can be used", { file, error: toTsdError(thrown).message });
    }
  }

  /** Whether its file is a copy of ours, and nobody else's. */
  #isManaged({ file }: StoredPlugin): boolean {
    return file.startsWith(`${this.#deps.home}/`);
  }

  #find(name: string): Known {
    const known = this.#inUse.get(name);
    if (known !== undefined) return known;
    throw new TsdError("not_found", `No such plugin: ${name}`);
  }
}

function ifMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
