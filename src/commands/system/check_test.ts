import { strict as assert } from "node:assert";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const WHOLE = { Kind: "config", Digest: "sha256:a", Images: ["one:1"] };
const DAMAGED = { Kind: "layer", Digest: "sha256:c", Images: ["one:1", "other:2"], Problem: "it is another one" };

const engineWith = (...lines: unknown[]) =>
  new FakeEngine(() => ({ bytes: lines.map((line) => new TextEncoder().encode(`${JSON.stringify(line)}\n`)) }));

Deno.test("system check: prints damaged parts and their images", async () => {
  const engine = engineWith(WHOLE, DAMAGED, WHOLE);
  assert.deepEqual(await callTsd(engine, ["system", "check", "one", "other:2"]), {
    code: 1,
    out: "layer sha256:c of one:1, other:2: it is another one\nChecked: 3, damaged: 1\n",
    err: "Remove the images that have it (tsd rmi) and pull them again.\n",
  });
  assert.deepEqual(engine.requests.map(({ method, path, query }) => ({ method, path, query })), [
    { method: "GET", path: "/tsd/check", query: { image: ["one", "other:2"] } },
  ]);
});

Deno.test("system check: -q prints nothing if nothing is damaged", async () => {
  assert.deepEqual(await callTsd(engineWith(WHOLE), ["system", "check", "-q"]), { code: 0, out: "", err: "" });
  assert.equal((await callTsd(engineWith(WHOLE), ["system", "check"])).out, "Checked: 1, damaged: 0\n");
});

Deno.test("system check: unreadable parts are counted separately, without advice to remove images", async () => {
  const { Problem: _, ...part } = { ...DAMAGED, Unread: "too many open files" };
  const line = "layer sha256:c of one:1, other:2: could not be read: too many open files\n";
  const err = "What could not be read may be whole: check again when the cause is gone.\n";
  assert.deepEqual(await callTsd(engineWith(WHOLE, part), ["system", "check"]), {
    ...{ code: 1, out: `${line}Checked: 1, damaged: 0, not read: 1\n`, err },
  });
  assert.deepEqual(await callTsd(engineWith(part), ["system", "check", "-q"]), { code: 1, out: line, err });
});

Deno.test("system check: a failure before the end is an error", async () => {
  const failure = { error: "the disk went", errorDetail: { message: "the disk went", tsdCode: "storage" } };
  const { code, err } = await callTsd(engineWith(WHOLE, failure), ["system", "check"]);
  assert.deepEqual([code, err], [1, "tsd: the disk went\n"]);
});
