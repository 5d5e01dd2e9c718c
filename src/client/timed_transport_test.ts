import { strict as assert } from "node:assert";
import { HttpTransport } from "./http_transport.ts";
import { ScriptedConnection } from "./fake_engine_testing.ts";
import { type EnginePhase, parseServerTiming, type TimedAnswer, TimedTransport } from "./timed_transport.ts";
import { discard } from "./transport.ts";

Deno.test("Server-Timing: names with durations; what has none is left out", () => {
  assert.deepEqual(parseServerTiming("mount;dur=1.20, a-b; desc=x;dur=3, cached, engine;dur=40"), [
    { name: "mount", ms: 1.2 },
    { name: "a-b", ms: 3 },
    { name: "engine", ms: 40 },
  ]);
  assert.deepEqual(parseServerTiming(undefined), []);
  assert.deepEqual(parseServerTiming("garbage;;, =5"), []);
});

Deno.test("a timed request asks for the phases, and tells when it was connected and answered", async () => {
  const answer = "HTTP/1.1 204 No Content\r\nServer-Timing: engine;dur=2\r\n\r\n";
  const connection = new ScriptedConnection([new TextEncoder().encode(answer)]);
  const heard: (string | readonly EnginePhase[] | boolean)[] = [];
  const observer = {
    connected: () => void heard.push(`connected, ${connection.sent.length} sent`),
    answered: ({ ms, phases }: TimedAnswer) => void heard.push(phases, ms >= 0),
  };
  const engine = new TimedTransport(new HttpTransport(connection.connector), observer);
  await discard(await engine.request({ method: "POST", path: "/x" }));
  assert.deepEqual(heard, ["connected, 0 sent", [{ name: "engine", ms: 2 }], true]);
  assert.match(new TextDecoder().decode(connection.sent[0]), /\r\nTsd-Timing: 1\r\n/);
});
