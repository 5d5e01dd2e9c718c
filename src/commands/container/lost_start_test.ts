import { strict as assert } from "node:assert";
import { connectionLost } from "../../client/byte_reader.ts";
import { type FakeAnswer, FakeEngine, FakeRawStream } from "../../client/fake_engine_testing.ts";
import type { EngineRequest } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";
import { Container } from "../../client/container.ts";
import { hasStarted } from "../../client/lost_start.ts";

const ID = "c0ffee".padEnd(64, "0");
const NEVER = "0001-01-01T00:00:00Z";

const frame = (payload: string): Uint8Array =>
  new Uint8Array([1, 0, 0, 0, 0, 0, 0, payload.length, ...new TextEncoder().encode(payload)]);

/** An engine that exits before it has answered the first start; the next one reports `state`. */
function engineLostInStart(state: object) {
  const made = { starts: 0 };
  const answer = ({ path }: EngineRequest): FakeAnswer => {
    if (path === "/containers/create") return { json: { Id: ID, Warnings: [] } };
    if (path.endsWith("/wait")) return { json: { StatusCode: 3 } };
    if (path.endsWith("/json")) return { json: { State: state } };
    if (++made.starts === 1) throw connectionLost();
    return { bytes: [] };
  };
  return Object.assign(made, { engine: new FakeEngine(answer, () => new FakeRawStream(true, [frame("line 1\n")])) });
}

Deno.test("run: a start whose answer was lost is not repeated if the container runs, and its output continues", async () => {
  const lost = engineLostInStart({ Running: true, StartedAt: new Date().toISOString() });
  assert.deepEqual(await callTsd(lost.engine, ["run", "busybox", "x"]), { code: 3, out: "line 1\n", err: "" });
  assert.equal(lost.starts, 1);
});

Deno.test("run: a start that was lost without effect is repeated", async () => {
  const lost = engineLostInStart({ Running: false, StartedAt: NEVER });
  assert.deepEqual(await callTsd(lost.engine, ["run", "busybox", "x"]), { code: 3, out: "line 1\n", err: "" });
  assert.equal(lost.starts, 2);
});

Deno.test("a container has started if it runs, has run since, or was removed", async () => {
  const since = Date.parse("2026-01-01T00:00:00Z");
  const inspecting = (answer: () => FakeAnswer) => hasStarted(new Container(new FakeEngine(answer), ID), since);
  const state = (Running: boolean, StartedAt: string) =>
    inspecting(() => ({ json: { State: { Running, StartedAt } } }));
  assert.equal(await state(true, "2025-01-01T00:00:00Z"), true);
  assert.equal(await state(false, "2026-01-01T00:00:01.123456789Z"), true);
  assert.equal(await state(false, "2025-12-31T23:59:59Z"), false);
  assert.equal(await state(false, NEVER), false);
  const removed = () => {
    throw new TsdError("container_not_found", `No such container: ${ID}`);
  };
  assert.equal(await inspecting(removed), true);
  const broken = () => {
    throw new TsdError("internal", "the database is broken");
  };
  await assert.rejects(inspecting(broken), { code: "internal" });
});
