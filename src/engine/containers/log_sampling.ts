/**
 * @module
 * Passes a sample of the containers' output to plugins. The log Worker samples only while a plugin requests it.
 */
import type { HookBus } from "../../plugins/mod.ts";
import type { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import type { Container } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";

/** Maximum per container. */
const LINES_PER_SECOND = 10;
const HOOK = "log.line";

export interface LogSamplingDeps {
  readonly hooks: Pick<HookBus, "isSubscribed" | "onSubscribed" | "callParallel">;
  readonly outputs: Pick<StdioRouter, "sample">;
  readonly table: { has(id: string): boolean; find(id: string): Container };
}

/** Starts to call the plugins that request log lines. */
export function callLineHooks({ hooks, outputs, table }: LogSamplingDeps): void {
  const arrange = () =>
    outputs.sample(hooks.isSubscribed(HOOK) ? LINES_PER_SECOND : 0, (id, lines) => {
      if (!table.has(id)) return;
      const container = table.find(id);
      for (const line of lines) hooks.callParallel(HOOK, () => ({ ...containerContext(container), ...line }));
    });
  hooks.onSubscribed((hook) => hook === HOOK ? arrange() : undefined);
  if (hooks.isSubscribed(HOOK)) arrange();
}
