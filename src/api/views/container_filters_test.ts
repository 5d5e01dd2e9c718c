import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { containerFilter, hasLabel } from "./container_filters.ts";

const CONTEXT = {
  find: (name: string) => {
    throw new TsdError("container_not_found", `No such container: ${name}`);
  },
  imageId: () => undefined,
};

Deno.test("invalid values are refused even without containers", () => {
  const rows = [
    [
      "status",
      "odd",
      "invalid filter 'status=odd': invalid value for state (odd): must be one of created, running, paused, restarting, " +
      "removing, exited, dead",
    ],
    [
      "health",
      "odd",
      "invalid filter 'health=odd': invalid value for health (odd): must be one of none, starting, healthy, unhealthy",
    ],
    ["exited", "x", "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax"],
    ["is-task", "odd", "invalid filter 'is-task=[odd]'"],
    ["publish", "x", 'error while looking up for publish x: strconv.ParseUint: parsing "x": invalid syntax'],
    ["expose", "9-1/tcp", "error while looking up for expose 9-1/tcp: invalid range specified for port: 9-1"],
    ["expose", "1:2", "filter for 'expose' should not contain ':': 1:2"],
    ["before", "absent", "No such container: absent"],
  ] as const;
  for (const [key, value, message] of rows) {
    assert.throws(() => containerFilter(new Map([[key, [value]]]), CONTEXT), { message });
  }
});

Deno.test("labels match by key or by key and value, and not by inherited properties", () => {
  const labels = { a: "1", empty: "" };
  assert.ok(hasLabel(labels, "a") && hasLabel(labels, "a=1") && hasLabel(labels, "empty="));
  assert.ok(!hasLabel(labels, "a=2") && !hasLabel(labels, "b") && !hasLabel(labels, "toString"));
});
