import { strict as assert } from "node:assert";
import { FakeEngine } from "../client/fake_engine.ts";
import { callTsd } from "./fake_session.ts";

Deno.test("update: only what was given is sent, to each container; warnings are part of the output", async () => {
  const engine = new FakeEngine(() => ({ json: { Warnings: ["a warning"] } }));
  const argv = "update -m 1g --memory-swap -1 --cpus 1.5 --pids-limit -1 --restart on-failure:3 web db".split(" ");
  assert.deepEqual(await callTsd(engine, argv), { code: 0, out: "web\ndb\na warning\na warning\n", err: "" });
  const body = {
    Memory: 1 << 30,
    MemorySwap: -1,
    NanoCpus: 1.5e9,
    PidsLimit: -1,
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
  };
  assert.deepEqual(engine.requests.map(({ method, path, body }) => [method, path, body]), [
    ["POST", "/containers/web/update", body],
    ["POST", "/containers/db/update", body],
  ]);
});

Deno.test("update: nothing to change, and what can't be changed", async () => {
  const engine = new FakeEngine(() => assert.fail("nothing is asked"));
  assert.deepEqual(await callTsd(engine, ["update", "web"]), {
    code: 1,
    out: "",
    err: "you must provide one or more flags when using this command\n",
  });
  const { code, err } = await callTsd(engine, ["update", "--kernel-memory", "1m", "web"]);
  assert.deepEqual([code, err.split("\n")[0]], [
    125,
    "--kernel-memory is not supported: the kernel has no such limit any more",
  ]);
});
