/**
 * @module
 * Tries a plugin on a recorded life (`tsd plugin test`): a process of its own, without permissions, with a storage that
 * nobody keeps.
 */
import { basename } from "node:path";
import type { PluginTestResponse, PluginTestStep } from "../../api_types/mod.ts";
import { toTsdError } from "../../errors.ts";
import { checkSettings, type PluginManifest } from "../../plugins/host/manifest.ts";
import { checkAnswer } from "../../plugins/loaded_plugin.ts";
import { rowOf } from "../../plugins/mod.ts";
import { memoryRows, pluginStorage } from "../../plugins/storage.ts";
import { storageCall } from "./external_plugin.ts";
import type { PluginStarter } from "./plugin_starter.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";
import { RunningPlugin } from "./running_plugin.ts";

/** Most lines of its log that are shown. */
const LOG_LINES = 200;

/** Asks the plugin in `file` (`shown` to its author) about each step that it has a hook for. @throws {TsdError} invalid_argument; Error: why it can't be loaded */
export async function tryPlugin(
  starter: Pick<PluginStarter, "start">,
  manifest: PluginManifest,
  { file, shown }: { readonly file: string; readonly shown: string },
  settings: Readonly<Record<string, unknown>>,
): Promise<PluginTestResponse> {
  const { name, memoryMb } = manifest;
  const config = checkSettings(manifest, settings);
  const storage = pluginStorage(memoryRows(), name);
  const lines: string[] = [];
  await using running = new RunningPlugin(() =>
    starter.start({
      ...{ name: `test-${crypto.randomUUID()}`, file, config, memoryMb, permissions: {} },
      log: (level, message) => void (lines.length < LOG_LINES && lines.push(`${level} ${message}`)),
      storage: (message) => storageCall(storage, message),
    })
  );
  const steps: PluginTestStep[] = [];
  for (const { hook, context } of SAMPLE_EVENTS) {
    if (!manifest.hooks.includes(hook)) continue;
    const { Error: why, ...done } = await step(running, hook, context);
    steps.push({ ...done, Error: why.replaceAll(`${basename(file)}:`, `${shown}:`) });
  }
  return { Name: name, Steps: steps, Log: lines };
}

async function step(
  running: RunningPlugin,
  hook: typeof SAMPLE_EVENTS[number]["hook"],
  context: unknown,
): Promise<PluginTestStep> {
  const started = performance.now();
  const outcome = await (async () => {
    try {
      const { deadlineMs: withinMs } = rowOf(hook);
      const said = await running.call(hook, context, AbortSignal.timeout(withinMs), { withinMs });
      return { Answer: checkAnswer(hook, said) ?? null, Error: "" };
    } catch (thrown) {
      return { Answer: null, Error: toTsdError(thrown).message };
    }
  })();
  return { Hook: hook, ...outcome, Ms: Math.round((performance.now() - started) * 10) / 10 };
}
