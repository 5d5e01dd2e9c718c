import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin } from "../../plugins/mod.ts";
import { pluginWarnings } from "./plugin_warnings.ts";

Deno.test("info warns about disabled plugins only", async () => {
  const exec = { command: [], user: "", workingDir: "", tty: false, privileged: false };
  const context = () => ({ id: "c1", name: "web", image: "busybox", imageId: "sha256:1", labels: {}, ...exec });
  const plugin = (name: string, answer: () => Promise<null>): Plugin => ({
    ...{ name, apiVersion: 1, hooks: { "container.exec": answer } },
  });
  const shaky = plugin("shaky", () => Promise.reject(new Error("oops")));
  const hooks = new HookBus([shaky, plugin("fine", () => Promise.resolve(null))], SILENT_LOG);
  for (let at = 0; at < 4; at++) await hooks.callSequential("container.exec", context);
  assert.deepEqual(pluginWarnings(hooks.list()), []);
  await hooks.callSequential("container.exec", context);
  assert.deepEqual(pluginWarnings(hooks.list()), [
    "WARNING: plugin shaky is disabled after 5 failures in a row, the last one at container.exec: oops",
  ]);
});
