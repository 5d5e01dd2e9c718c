import { strict as assert } from "node:assert";
import { mismatch } from "./comparison.ts";
import { Normaliser } from "./normalise.ts";
import { rendered, splitSteps } from "./rendering.ts";
import { stepOf, stringsOf } from "./scenario.ts";
import { GROUPS } from "./scenarios/mod.ts";
import { missingShape, shapeOf } from "./shape.ts";
import { Variables } from "./variables.ts";

Deno.test("transcripts: words of a line", () => {
  assert.deepEqual(stringsOf(`run  -e A='b c' x sh -c "it's" ''`), ["run", "-e", "A=b c", "x", "sh", "-c", "it's", ""]);
  assert.throws(() => stringsOf("a 'b"), /A quote has no end/);
});

Deno.test("transcripts: variables", () => {
  const variables = new Variables({ "folder": "/f" });
  variables.keep("id", "a1".repeat(32));
  variables.keep("other", "a2".repeat(32));
  assert.equal(variables.insert("@{folder}/x @{id:4} @{ambiguous}"), "/f/x a1a1 a");
  assert.match(variables.insert("@{now}"), /^\d{10}\.\d{3}$/);
  assert.throws(() => variables.insert("@{nobody}"), /Nothing was kept as @\{nobody\}/);
});

Deno.test("transcripts: IDs keep their identity, times and ages are masked", () => {
  const [web, image] = ["ab".repeat(32), "cd".repeat(32)];
  const normaliser = new Normaliser({ "127.0.0.1:4000": "127.0.0.1:PORTS" }, { [image]: "image busybox" });
  assert.equal(normaliser.normalise(`${web.slice(0, 12)} sha256:${image}\n`), "<id 1 short> sha256:<image busybox>\n");
  assert.equal(normaliser.normalise(`${web} 127.0.0.1:4000/x`), "<id 1> 127.0.0.1:PORTS/x");
  assert.equal(normaliser.normalise("Exited (0) 3 seconds ago   x"), "Exited (0) <age> ago   x");
  assert.equal(
    normaliser.normalise("2026-01-02T03:04:05.678Z 1767323045 0001-01-01T00:00:00Z"),
    "<time> <time> 0001-01-01T00:00:00Z",
  );
  assert.equal(normaliser.normalise("4.27MB 2.35kB 3 123456789012"), "<size> 2.35kB 3 123456789012");
});

Deno.test("transcripts: the text of a step", () => {
  const step = stepOf("ps");
  const text = rendered(step, { code: 1, stdout: "a\r\nb", stderr: "c \n" }, (each) => each);
  assert.equal(text, "$ ps\n> a\\x0d\n>| b\n! c\\x20\n= 1\n");
  assert.deepEqual(splitSteps(`# name\n\n${text}\n$ x\n= 0\n`), [text, "$ x\n= 0\n"]);
  const hidden = { line: "ps", unordered: true, hides: { stderr: "why", code: "why" } } as const;
  assert.equal(rendered(hidden, { code: 1, stdout: "b\na\n", stderr: "c" }, (each) => each), "$ ps\n> a\n> b\n");
});

Deno.test("transcripts: what is compared", () => {
  const recorded =
    "$ x\n! docker: Error response from daemon: old\n! \n! Run 'docker run --help' for more information\n= 1\n";
  const step = { line: "x", today: [{ says: "old", now: "new", why: "because" }] };
  assert.equal(mismatch(step, recorded, recorded.replace("old", "new"), "docker"), undefined);
  assert.match(mismatch(step, recorded, recorded, "docker")!, /^expected\n[^]*new\n[^]*but docker says\n[^]*old\n/);
  assert.equal(mismatch(step, recorded, "$ x\n! tsd: new\n= 1\n", "tsd"), undefined);
  assert.throws(() => mismatch(step, "$ x\n= 1\n", "$ x\n= 1\n", "tsd"), /doesn't say old any more/);
});

Deno.test("transcripts: shapes", () => {
  const lines = (value: unknown) => shapeOf(JSON.stringify(value)).trimEnd().split("\n");
  const old = lines([{ a: 1, list: [{ b: "x" }], removed: true, nothing: null }]);
  const fresh = lines([{ a: 2, list: null, nothing: { c: 1 }, more: 1 }]);
  assert.deepEqual(missingShape(old, fresh), ["[].removed: boolean"]);
  assert.deepEqual(missingShape(lines({ a: 1 }), lines({ a: "1" })), [".a: number"]);
});

Deno.test("transcripts: scenarios have unique names and reasons for what is not compared", () => {
  const scenarios = Object.values(GROUPS).flat();
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
  for (const step of scenarios.flatMap(({ steps }) => steps.map(stepOf))) {
    const reasons = [
      ...Object.values(step.hides ?? {}),
      ...[...step.today ?? [], ...step.tsd ?? []].map(({ why }) => why),
    ];
    for (const reason of reasons) assert.ok(reason.length > 10, step.line);
    stringsOf(step.line);
  }
});
