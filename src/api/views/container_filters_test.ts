import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { containerFilter, hasLabel } from "./container_filters.ts";

const CONTEXT = {
  find: (name: string) => {
    throw new TsdError("container_not_found", `No such container: ${name}`);
  },
  imageId: () => undefined,
};

Deno.test("values that make no sense are refused before any container is looked at", () => {
  const rows = [
    ["status", "odd", "invalid filter 'status=odd'"],
    ["exited", "x", "invalid filter 'exited=x'"],
    ["name", "[", "invalid filter 'name=[': not a regular expression"],
    ["before", "absent", "No such container: absent"],
  ] as const;
  for (const [key, value, message] of rows) {
    assert.throws(() => containerFilter(new Map([[key, [value]]]), CONTEXT), { message });
  }
});

Deno.test("labels: a key, a key with its value, nothing that every object has", () => {
  const labels = { a: "1", empty: "" };
  assert.ok(hasLabel(labels, "a") && hasLabel(labels, "a=1") && hasLabel(labels, "empty="));
  assert.ok(!hasLabel(labels, "a=2") && !hasLabel(labels, "b") && !hasLabel(labels, "toString"));
});
