import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { EngineEvent } from "../../engine/events/event.ts";
import { passesEventFilters } from "./event_filters.ts";
import { eventText, parseNanos } from "./event_view.ts";

const ID = "3f4b0c7a9d2e".padEnd(64, "0");
const event = (given: Partial<EngineEvent> = {}): EngineEvent => ({
  sequence: 1,
  type: "container",
  action: "start",
  actorId: ID,
  attributes: { image: "127.0.0.1:5000/alpine:3", name: "web", job: "nightly" },
  timeNano: 1_763_942_400_123_456_789n,
  ...given,
});
const passes = (given: EngineEvent, key: string, ...values: string[]) =>
  passesEventFilters(given, new Map([[key, values]]));

Deno.test("an event has Docker's format, with an exact time and the legacy fields", () => {
  assert.equal(
    eventText(event({ attributes: { image: "alpine", name: "<web>" } })),
    `{"status":"start","id":"${ID}","from":"alpine","Type":"container","Action":"start",` +
      `"Actor":{"ID":"${ID}","Attributes":{"image":"alpine","name":"<web>"}},"scope":"local",` +
      `"time":1763942400,"timeNano":1763942400123456789}`,
  );
  const pull = event({ type: "image", action: "pull", actorId: "alpine:3", attributes: { name: "alpine" } });
  assert.match(eventText(pull), /^\{"status":"pull","id":"alpine:3","Type":"image",/);
  assert.match(eventText(event({ type: "volume" })), /^\{"Type":"volume",/);
});

Deno.test("any attributes survive encoding as JSON", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.string()), (attributes) => {
    const parsed = JSON.parse(eventText(event({ attributes })));
    assert.deepEqual(parsed.Actor.Attributes, JSON.parse(JSON.stringify(attributes)));
  }));
});

Deno.test("filters: names and ids match by prefix, for the right type of object only", () => {
  assert(passes(event(), "container", ID.slice(0, 12)));
  assert(passes(event(), "container", "db", "web"));
  assert(!passes(event(), "container", "eb"));
  assert(!passes(event({ type: "network" }), "container", "web"));
  assert(passes(event(), "container"));
});

Deno.test("filters: images with and without tag, also those of containers", () => {
  for (const value of ["127.0.0.1:5000/alpine:3", "127.0.0.1:5000/alpine"]) assert(passes(event(), "image", value));
  assert(!passes(event(), "image", "alpine"));
  const pull = event({ type: "image", action: "pull", actorId: "alpine:3", attributes: { name: "alpine" } });
  assert(passes(pull, "image", "alpine") && passes(pull, "image", "alpine:3") && !passes(pull, "image", "alpine:4"));
});

Deno.test("filters: all labels, any event, details after the action", () => {
  assert(passes(event(), "label", "job", "name=web"));
  assert(!passes(event(), "label", "job", "name=db"));
  assert(passes(event(), "event", "die", "start"));
  assert(!passes(event({ action: "exec_start: sh" }), "event", "start"));
  assert(passes(event({ action: "exec_start: sh" }), "event", "exec_start"));
  assert(passes(event({ action: "health_status: healthy" }), "event", "health_status: healthy"));
  assert(!passes(event({ action: "restart" }), "event", "rest"));
  assert(passes(event(), "type", "container") && !passes(event(), "type", "image"));
  assert(passes(event(), "scope", "local") && !passes(event(), "scope", "swarm"));
});

Deno.test("times: seconds with a fraction become exact nanoseconds", () => {
  assert.equal(parseNanos("1763942400"), 1_763_942_400_000_000_000n);
  assert.equal(parseNanos("1763942400.5"), 1_763_942_400_500_000_000n);
  assert.equal(parseNanos("1763942400.000000001"), 1_763_942_400_000_000_001n);
  for (const bad of ["", "x", "-1", "1e9", "1.", "1.0000000001", "2025-01-01"]) {
    assert.equal(parseNanos(bad), undefined);
  }
});
