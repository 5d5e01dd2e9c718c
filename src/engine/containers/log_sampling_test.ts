import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { HookBus } from "../../plugins/mod.ts";
import { fakeContainer } from "./containers_testing.ts";
import { tellLines } from "./log_sampling.ts";

Deno.test("lines are asked for only while a plugin wants them", async () => {
  const hooks = new HookBus([], SILENT_LOG);
  const container = fakeContainer();
  const asked: number[] = [];
  type Listener = (id: string, lines: readonly { stream: "stdout" | "stderr"; line: string }[]) => void;
  let listener: Listener | undefined;
  const outputs = {
    sample: (perSecond: number, given: Listener) => {
      asked.push(perSecond);
      listener = given;
    },
  };
  tellLines({ hooks, outputs, table: { has: (id) => id === container.id, find: () => container } });
  assert.deepEqual(asked, []);
  const told: string[] = [];
  hooks.add({
    ...{ name: "curious", apiVersion: 1 },
    hooks: { "log.line": ({ id, stream, line }) => void told.push(`${id} ${stream} ${line}`) },
  });
  listener?.(container.id, [{ stream: "stdout", line: "one" }, { stream: "stderr", line: "two" }]);
  listener?.("of an exec", [{ stream: "stdout", line: "three" }]);
  await hooks.remove("curious");
  assert.deepEqual(asked, [10, 0]);
  assert.deepEqual(told, [`${container.id} stdout one`, `${container.id} stderr two`]);
});
