import { strict as assert } from "node:assert";
import { volumeFilter } from "./volume_filters.ts";

const VOLUMES = ["data", "data-2", "other"].map((name, at) => ({
  name,
  createdMs: 0,
  labels: at === 0 ? null : { at: String(at), all: "" },
  options: null,
}));

const found = (filters: Record<string, string[]>): string[] =>
  VOLUMES.filter(volumeFilter(new Map(Object.entries(filters)), ({ name }) => name === "data")).map(({ name }) => name);

Deno.test("filters match all labels, any name, use and driver", () => {
  assert.deepEqual(found({}), ["data", "data-2", "other"]);
  assert.deepEqual(found({ dangling: ["true"] }), ["data-2", "other"]);
  assert.deepEqual(found({ dangling: ["0"] }), ["data"]);
  assert.deepEqual(found({ name: ["data"] }), ["data", "data-2"]);
  assert.deepEqual(found({ name: ["^data$", "the"] }), ["data", "other"]);
  assert.deepEqual(found({ name: ["("] }), []);
  assert.deepEqual(found({ label: ["all", "at=2"] }), ["other"]);
  assert.deepEqual(found({ driver: ["local"] }), ["data", "data-2", "other"]);
  assert.deepEqual(found({ driver: ["odd"] }), []);
  assert.throws(() => found({ dangling: ["maybe"] }), /^TsdError: invalid filter 'dangling=\[maybe\]'$/);
});
