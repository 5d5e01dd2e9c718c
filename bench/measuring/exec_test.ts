import { strict as assert } from "node:assert";
import type { Command } from "../peers/peer.ts";
import { perform, RunFailed } from "./exec.ts";

const shell = (script: string): Command => ({
  program: "/bin/sh",
  args: ["-c", script],
  env: { PATH: "/usr/bin:/bin" },
});

Deno.test("the time of a run reaches from its start to its exit", async () => {
  const elapsedMs = await perform(shell("sleep 0.2"));
  assert.ok(elapsedMs >= 200 && elapsedMs < 2000, `${elapsedMs} ms`);
});

Deno.test("a failed run throws what it said", async () => {
  const failed = perform(shell("echo no such thing >&2; exit 3"));
  await assert.rejects(
    failed,
    (error) => error instanceof RunFailed && /exit code 3\nno such thing$/.test(error.message),
  );
});

Deno.test("what a run leaves behind with its stderr open is not waited for", async () => {
  const elapsedMs = await perform(shell("sleep 1 & exit 0"));
  assert.ok(elapsedMs < 900, `${elapsedMs} ms`);
});
