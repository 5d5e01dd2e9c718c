import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { pruneFilters } from "./prune_filters.ts";

async function merged(configured: unknown, ...words: string[]) {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify({ pruneFilters: configured }));
    return await pruneFilters(new FakeTerminal({ env: { DOCKER_CONFIG: dir } }), words);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("pruneFilters of config.json are added unless they contradict the command line", async () => {
  assert.deepEqual(await merged(["label!=keep", "until=24h"], "label=a"), {
    label: ["a"],
    "label!": ["keep"],
    until: ["24h"],
  });
  assert.deepEqual(await merged(["label!=keep"], "label=keep"), { label: ["keep"] });
  assert.deepEqual(await merged(["label=a=b"], "label!=a=b", "label=c"), { "label!": ["a=b"], label: ["c"] });
  assert.deepEqual(await merged(["label=a", "nonsense", 5], "label=a"), { label: ["a"] });
  assert.deepEqual(await merged("no list"), {});
  assert.deepEqual(await pruneFilters(new FakeTerminal(), ["until=1h"]), { until: ["1h"] });
});
