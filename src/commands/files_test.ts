import { strict as assert } from "node:assert";
import { FakeEngine } from "../client/fake_engine.ts";
import { callTsd } from "./fake_session.ts";

Deno.test("diff: a letter and a path a line, which can't steer the terminal", async () => {
  const changes = [{ Path: "/etc", Kind: 0 }, { Path: "/etc/new\nD /", Kind: 1 }, { Path: "/gone", Kind: 2 }];
  const engine = new FakeEngine(() => ({ json: changes }));
  const out = "C /etc\nA /etc/new D /\nD /gone\n";
  assert.deepEqual(await callTsd(engine, ["diff", "web"]), { code: 0, out, err: "" });
  assert.deepEqual(engine.calls, ["GET /containers/web/changes"]);
  const nothing = new FakeEngine(() => ({ json: null }));
  assert.deepEqual(await callTsd(nothing, ["container", "diff", "web"]), { code: 0, out: "", err: "" });
});
