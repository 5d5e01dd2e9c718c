import { strict as assert } from "node:assert";
import { parseJunit } from "./junit.ts";

Deno.test("passed, failed and skipped cases are told apart, texts unescaped", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.013">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="ok" classname="./a_test.ts" time="0.000" line="2" col="6">
        </testcase>
        <testcase name="bad &lt;&amp;&gt;" classname="./a_test.ts" time="0.002" line="5" col="6">
            <failure message="Uncaught Error: 1 &gt; 2
second">Error: 1 &gt; 2&#10;    at file:///a_test.ts:5:65</failure>
        </testcase>
        <testcase name="ign" classname="./a_test.ts" time="0.000" line="6" col="6">
            <skipped/>
        </testcase>
        <testcase name="steps &gt; s1" classname="./a_test.ts" time="0.001" line="7" col="43"/>
    </testsuite>
</testsuites>`;
  assert.deepEqual(parseJunit(xml), [
    { name: "ok", outcome: "passed", position: "2:6", failure: "" },
    { name: "bad <&>", outcome: "failed", position: "5:6", failure: "Error: 1 > 2\n    at file:///a_test.ts:5:65" },
    { name: "ign", outcome: "skipped", position: "6:6", failure: "" },
    { name: "steps > s1", outcome: "passed", position: "7:43", failure: "" },
  ]);
});

Deno.test("a report cut short has the cases that were finished", () => {
  assert.deepEqual(
    parseJunit(`<testsuites><testcase name="a" line="1" col="1"></testcase><testcase name="b"`).length,
    1,
  );
});
