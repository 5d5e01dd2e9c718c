/** tsd's plugins: routes below `/tsd/plugins`, which other engines do not have. */

/** Values by kind: `net`, `read`, `write`, `env`. */
export type PluginPermissions = Readonly<Record<string, readonly string[]>>;

/**
 * `enabled`; `disabled` by a user; `waiting` for permissions or settings; `failed` too often, or could not be loaded.
 */
export type PluginState = "enabled" | "disabled" | "waiting" | "failed";

export interface PluginInfo {
  readonly Name: string;
  readonly Version: string;
  readonly Description: string;
  /** Absolute path on the engine's host. */
  readonly File: string;
  readonly Hooks: readonly string[];
  readonly Order: string;
  readonly Required: boolean;
  readonly State: PluginState;
  /** Why it is not enabled; empty if it is. */
  readonly Why: string;
  readonly Permissions: PluginPermissions;
  readonly Granted: PluginPermissions;
  /** Names of the settings made by the administrator; the values may be secrets. */
  readonly Settings: readonly string[];
  /** Whether its process is running. */
  readonly Running: boolean;
  readonly MemoryMb: number;
  readonly Calls: number;
  readonly Failures: number;
  readonly LastError: string;
}

/** The manifest of a plugin file, which is not installed by that. */
export interface PluginInspection {
  readonly Name: string;
  readonly Version: string;
  readonly Description: string;
  readonly Hooks: readonly string[];
  readonly Permissions: PluginPermissions;
}

/** A plugin file, uploaded to the engine. */
export interface PluginFile {
  /** The extension is the file's type: `.ts`, `.js`, `.mjs`, `.wasm`. */
  readonly FileName: string;
  /** Base64. */
  readonly Content: string;
}

/** What a plugin is granted; omitted fields are left unchanged. */
export interface PluginGrant {
  readonly Permissions?: PluginPermissions;
  readonly Config?: Readonly<Record<string, unknown>>;
}

export type PluginInstallRequest = PluginFile & PluginGrant;

/** A call of the plugin with a sample event. */
export interface PluginTestStep {
  readonly Hook: string;
  /** The plugin's answer; null if it gave none. */
  readonly Answer: unknown;
  /** What was wrong; empty on success. */
  readonly Error: string;
  readonly Ms: number;
}

export interface PluginTestResponse {
  readonly Name: string;
  readonly Steps: readonly PluginTestStep[];
  /** Lines that it wrote to its log. */
  readonly Log: readonly string[];
}
