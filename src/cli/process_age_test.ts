import { strict as assert } from "node:assert";
import { ageMs, processAgeMs } from "./process_age.ts";

Deno.test("a process's age is computed from field 22 of its stat, whatever characters its name has", () => {
  const fields = Array.from({ length: 50 }, (_, index) => index === 19 ? "12345" : "7");
  assert.equal(ageMs(`42 (a) b (c) ${fields.join(" ")}`, 124).toFixed(3), "550.000");
});

Deno.test("this process's age is at least performance.now()", () => {
  const clockMs = performance.now();
  const age = processAgeMs();
  assert(age >= clockMs && age < clockMs + 60_000, `${age} ms, its clock began ${clockMs} ms ago`);
});
