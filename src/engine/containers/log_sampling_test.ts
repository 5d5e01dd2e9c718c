import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { HookBus } from "../../plugins/mod.ts";
import { fakeContainer } from "./containers_testing.ts";
import { callLineHooks } from "./log_sampling.ts";

Deno.test("lines are asked for only while a plugin wants them", async () => {
  const hooks = new HookBus([], SILENT_LOG);
  const container = fakeContainer();
  const requested: number[] = [];
  type Listener = (id: string, lines: readonly { stream: "stdout" | "stderr"; line: string }[]) => void;
  let listener: Listener | undefined;
  const outputs = {
    sample: (perSecond: number, given: Listener) => {
      requested.push(perSecond);
      listener = given;
    },
  };
  callLineHooks({ hooks, outputs, table: { has: (id) => id === container.id, find: () => container } });
  assert.deepEqual(requested, []);
  const reported: string[] = [];
  hooks.add({
    ...{ name: "curious", apiVersion: 1 },
    hooks: { "log.line": ({ id, stream, line }) => void reported.push(`${id} ${stream} ${line}`) },
  });
  listener?.(container.id, [{ stream: "stdout", line: "one" }, { stream: "stderr", line: "two" }]);
  listener?.("of an exec", [{ stream: "stdout", line: "three" }]);
  await hooks.remove("curious");
  assert.deepEqual(requested, [10, 0]);
  assert.deepEqual(reported, [`${container.id} stdout one`, `${container.id} stderr two`]);
});
