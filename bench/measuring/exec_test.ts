import { strict as assert } from "node:assert";
import type { Command } from "../peers/peer.ts";
import { exec, RunFailed } from "./exec.ts";

const shell = (script: string): Command => ({
  program: "/bin/sh",
  args: ["-c", script],
  env: { PATH: "/usr/bin:/bin" },
});

Deno.test("exec returns the time from start to exit", async () => {
  const elapsedMs = await exec(shell("sleep 0.2"));
  assert.ok(elapsedMs >= 200 && elapsedMs < 2000, `${elapsedMs} ms`);
});

Deno.test("exec throws the exit code and stderr of a failed program", async () => {
  const failed = exec(shell("echo no such thing >&2; exit 3"));
  await assert.rejects(
    failed,
    (error) => error instanceof RunFailed && /exit code 3\nno such thing$/.test(error.message),
  );
});

Deno.test("exec doesn't wait for children that hold stderr open", async () => {
  const elapsedMs = await exec(shell("sleep 1 & exit 0"));
  assert.ok(elapsedMs < 900, `${elapsedMs} ms`);
});
