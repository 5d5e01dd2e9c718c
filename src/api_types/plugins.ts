/** Plugins of tsd: routes below `/tsd/plugins`, which other engines don't have. */

/** By kind: `net`, `read`, `write`, `env`. */
export type PluginPermissions = Readonly<Record<string, readonly string[]>>;

/** `enabled`; `disabled`: by somebody; `waiting`: for permissions or settings; `failed`: too often, or it can't be loaded. */
export type PluginState = "enabled" | "disabled" | "waiting" | "failed";

export interface PluginInfo {
  readonly Name: string;
  readonly Version: string;
  readonly Description: string;
  /** Absolute, on the engine's machine. */
  readonly File: string;
  readonly Hooks: readonly string[];
  readonly Order: string;
  readonly Required: boolean;
  readonly State: PluginState;
  /** Why it is not enabled; empty when it is. */
  readonly Why: string;
  readonly Permissions: PluginPermissions;
  readonly Granted: PluginPermissions;
  /** Names of the settings that the administrator gave; values may be secrets. */
  readonly Settings: readonly string[];
  /** Whether its process is there. */
  readonly Running: boolean;
  readonly MemoryMb: number;
  readonly Calls: number;
  readonly Failures: number;
  readonly LastError: string;
}

/** What a file is, without anything being installed. */
export interface PluginInspection {
  readonly Name: string;
  readonly Version: string;
  readonly Description: string;
  readonly Hooks: readonly string[];
  readonly Permissions: PluginPermissions;
}

/** A file that is sent to the engine. */
export interface PluginFile {
  /** Its end says what it is: `.ts`, `.js`, `.mjs`, `.wasm`. */
  readonly FileName: string;
  /** In base64. */
  readonly Content: string;
}

/** What a plugin gets; what is left out stays as it is. */
export interface PluginGrant {
  readonly Permissions?: PluginPermissions;
  readonly Config?: Readonly<Record<string, unknown>>;
}

export type PluginInstallRequest = PluginFile & PluginGrant;

/** One step of a recorded life that a plugin was asked about. */
export interface PluginTestStep {
  readonly Hook: string;
  /** What it answered; null: nothing. */
  readonly Answer: unknown;
  /** What was wrong; empty when nothing was. */
  readonly Error: string;
  readonly Ms: number;
}

export interface PluginTestResponse {
  readonly Name: string;
  readonly Steps: readonly PluginTestStep[];
  /** What it wrote to its log. */
  readonly Log: readonly string[];
}
