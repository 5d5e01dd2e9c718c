import { strict as assert } from "node:assert";
import { isSameVerdict, outcomesOf, parse, render, type Verdicts, verdictsOf } from "./verdicts.ts";

const FREE =
  "native read errno 9\nnative mount errno 14\nnative acct errno 1\nnative newest errno 38\nnative exit exit\n";
const FILTERED = FREE.replace("errno 14", "errno 1");

Deno.test("verdicts: a different result means a denial; where the kernel refuses too, the verdict is unclear", () => {
  const verdicts = verdictsOf(outcomesOf(FILTERED), outcomesOf(FREE));
  assert.deepEqual(Object.fromEntries(verdicts), {
    "native read": "passes",
    "native mount": "denied EPERM",
    "native acct": "unclear",
    "native newest": "unclear",
    "native exit": "passes",
  });
  const long: Verdicts = new Map(Array.from({ length: 50 }, (_, at) => [`native call_number_${at}`, "passes"]));
  assert.deepEqual(parse(render({ plain: verdicts, other: long })), { plain: verdicts, other: long });
});

Deno.test("verdicts: an old library may not know a new call, and nothing else may differ", () => {
  assert(isSameVerdict("passes", "passes", false) && !isSameVerdict("passes", "denied EPERM", false));
  assert(isSameVerdict("denied EPERM", "unclear", false) && isSameVerdict("unclear", "passes", false));
  assert(!isSameVerdict("passes", "denied ENOSYS", false) && isSameVerdict("passes", "denied ENOSYS", true));
  assert(isSameVerdict("denied ENOSYS", "denied EPERM", true) && !isSameVerdict("passes", "denied EPERM", true));
  assert(!isSameVerdict("denied EPERM", "passes", true));
});
