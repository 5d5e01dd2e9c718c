import { strict as assert } from "node:assert";
import { nearest } from "./suggest.ts";

Deno.test("suggestions: the nearest candidate is returned, if one is close", () => {
  const names = ["run", "rm", "rmi", "ps", "pull", "images", "inspect", "interactive"];
  assert.equal(nearest("rnu", names), "run");
  assert.equal(nearest("pul", names), "pull");
  assert.equal(nearest("image", names), "images");
  assert.equal(nearest("INSPECT", names), "inspect");
  assert.equal(nearest("inter", names), "interactive");
  assert.equal(nearest("build", names), undefined);
  assert.equal(nearest("x", []), undefined);
});
