/**
 * @module
 * What stands on the bus for a plugin in a process of its own.
 */
import { TsdError } from "../../errors.ts";
import type { FromHost } from "../../plugins/host/messages.ts";
import type { Permissions, PluginManifest } from "../../plugins/host/manifest.ts";
import {
  type HookName,
  type HookTools,
  type Json,
  type Plugin,
  PLUGIN_API_VERSION,
  type PluginHooks,
  type PluginStorage,
  PluginUnloaded,
  rowOf,
} from "../../plugins/mod.ts";
import type { PluginProcess } from "./plugin_process.ts";
import { RunningPlugin } from "./running_plugin.ts";

/** The file is another one than the one that was looked at. */
export class FileChanged extends Error {}

/** What is behind a plugin on the bus. */
export interface PluginSource {
  /** Starts the plugin's process, with the storage that the bus gives it, unless `ending` fires. @throws {FileChanged} */
  start(storage: PluginStorage, ending: AbortSignal): Promise<PluginProcess>;
  /** Puts what the file is now in the plugin's place. */
  reread(): Promise<void>;
  failed(hook: string, why: string): void;
}

/** A plugin for the bus; `running` says whether its process is there. */
export function externalPlugin(
  { name, order, required, hooks }: PluginManifest,
  granted: Permissions,
  source: PluginSource,
): { readonly plugin: Plugin; readonly running: RunningPlugin } {
  let storage: PluginStorage | undefined;
  const running = new RunningPlugin((ending) => source.start(storage!, ending));
  const ask = (hook: HookName) => async (context: unknown, tools: HookTools) => {
    storage = tools.storage;
    const { kind, deadlineMs } = rowOf(hook);
    const how = { isReported: kind === "parallel", withinMs: deadlineMs };
    const answer = await running.call(hook, context, tools.signal, how).catch(async (thrown: unknown) => {
      if (!(thrown instanceof FileChanged)) throw thrown;
      await source.reread();
      throw new PluginUnloaded("its file has changed, and what it is now can't be asked");
    });
    if (hook === "container.create") checkHostParts(answer, granted.host ?? []);
    return answer;
  };
  const plugin: Plugin = {
    ...{ name, order, required, apiVersion: PLUGIN_API_VERSION },
    // The bus checks every answer against the hook's shape.
    hooks: Object.fromEntries(hooks.map((hook) => [hook, ask(hook as HookName)])) as PluginHooks,
    failed: (hook, why) => source.failed(hook, why),
    close: () => running.retire(),
  };
  return { plugin, running };
}

/** Whoever can put these into a container is root on the machine. @throws {TsdError} permission_denied */
function checkHostParts(answer: unknown, granted: readonly string[]): void {
  if (typeof answer !== "object" || answer === null) return;
  const { hooks, devices, mounts } = answer as { readonly [field: string]: unknown };
  const isBind = (mount: unknown) => (mount as { readonly type?: unknown } | null)?.type === "bind";
  const parts = { hooks: hooks != null, devices: devices != null, binds: Array.isArray(mounts) && mounts.some(isBind) };
  const missing = Object.entries(parts).filter(([part, exists]) => exists && !granted.includes(part));
  if (missing.length === 0) return;
  const names = missing.map(([part]) => part).join(", ");
  throw new TsdError("permission_denied", `it wants ${names} of the host in the container, and was not granted that`);
}

/** Does what a process asks of its storage. @throws {TsdError} what the plugin is told */
export async function storageCall(storage: PluginStorage, message: FromHost & { kind: "storage" }): Promise<unknown> {
  const { action, key, value } = message;
  switch (action) {
    case "get":
      return await storage.get(key);
    case "set":
      return await storage.set(key, value as Json);
    case "delete":
      return await storage.delete(key);
    case "list":
      return await storage.list(key);
    default:
      throw new TsdError("invalid_argument", `There is no ${action satisfies never} of a plugin's storage`);
  }
}
