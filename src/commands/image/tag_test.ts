import { strict as assert } from "node:assert";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

Deno.test("tag: sends the canonical name, with the default tag latest", async () => {
  const engine = new FakeEngine(() => ({ json: null }));
  assert.deepEqual(await callTsd(engine, ["tag", "alpine:3", "localhost:5000/app"]), { code: 0, out: "", err: "" });
  assert.equal((await callTsd(engine, ["image", "tag", "3fa8", "me/app:2"])).code, 0);
  assert.deepEqual(engine.calls, ["POST /images/alpine:3/tag", "POST /images/3fa8/tag"]);
  assert.deepEqual(engine.requests.map(({ query }) => query), [
    { repo: "localhost:5000/app", tag: "latest" },
    { repo: "docker.io/me/app", tag: "2" },
  ]);
});

Deno.test("tag: invalid names are not sent to the engine", async () => {
  const engine = new FakeEngine(() => ({ json: null }));
  const digest = `app@sha256:${"0".repeat(64)}`;
  const cases: Readonly<Record<string, string>> = {
    "UPPER:1": 'Error parsing reference: "UPPER:1" is not a valid repository/tag: ' +
      "invalid reference format: repository name (library/UPPER) must be lowercase\n",
    [digest]: "refusing to create a tag with a digest reference\n",
  };
  for (const [name, err] of Object.entries(cases)) {
    assert.deepEqual(await callTsd(engine, ["tag", "alpine", name]), { code: 1, out: "", err });
  }
  assert.match((await callTsd(engine, ["tag", "alpine"])).err, /^tsd: 'tsd tag' requires 2 arguments\n/);
  assert.deepEqual(engine.calls, []);
});
