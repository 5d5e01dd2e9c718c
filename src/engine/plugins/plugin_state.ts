/**
 * @module
 * How a plugin fares: why it is not in use, what it is granted, and what is told of it.
 */
import type { PluginGrant, PluginInfo, PluginState } from "../../api_types/mod.ts";
import { toTsdError } from "../../errors.ts";
import {
  checkSettings,
  missingPermissions,
  parsePermissions,
  type Permissions,
  type PluginManifest,
} from "../../plugins/host/manifest.ts";
import type { PluginStatus } from "../../plugins/mod.ts";
import type { InstalledPlugin } from "../../store/installed_plugins.ts";
import { permissionText } from "./permission_text.ts";
import type { RunningPlugin } from "./running_plugin.ts";

export type StoredPlugin = InstalledPlugin<PluginManifest, Permissions>;

/** One that is known, and how it fares. */
export interface Known {
  readonly record: StoredPlugin;
  /** Why it is not on the bus. */
  readonly state: PluginState;
  readonly why: string;
  readonly running?: RunningPlugin;
  /** Of the file that could not be used. */
  readonly triedDigest?: string;
}

/** Why a plugin isn't used as it stands. */
export function obstacleOf(
  { manifest, granted, config, isEnabled, name }: StoredPlugin,
): Pick<Known, "state" | "why"> | undefined {
  if (!isEnabled) return { state: "disabled", why: "somebody disabled it" };
  const missing = missingPermissions(manifest.permissions, granted);
  if (Object.keys(missing).length > 0) {
    const requested = permissionText(missing as PluginInfo["Permissions"]);
    return { state: "waiting", why: `it asks for ${requested}; grant that with tsd plugin enable ${name}` };
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
export function granted(record: StoredPlugin, { Permissions: given, Config: config }: PluginGrant): StoredPlugin {
  const more = given === undefined ? {} : parsePermissions(given);
  const kinds = [...new Set([...Object.keys(record.granted), ...Object.keys(more)])] as (keyof Permissions)[];
  const all = kinds.map((kind) => [kind, [...new Set([...record.granted[kind] ?? [], ...more[kind] ?? []])].sort()]);
  const settings = Object.entries({ ...record.config, ...config }).filter(([, value]) => value !== null);
  return { ...record, granted: Object.fromEntries(all) as Permissions, config: Object.fromEntries(settings) };
}

export function infoOf({ record, state, why, running }: Known, status: PluginStatus | undefined): PluginInfo {
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
    Settings: Object.keys(record.config).sort(),
    Running: running?.isRunning ?? false,
    MemoryMb: manifest.memoryMb,
    Calls: status?.calls ?? 0,
    Failures: status?.failures ?? 0,
    LastError: status?.lastError ?? "",
  };
}
