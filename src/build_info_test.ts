import { strict as assert } from "node:assert";
import config from "../deno.json" with { type: "json" };
import { BUILD_INFO } from "./build_info.ts";

Deno.test("a checkout's build information has the version of deno.json", () => {
  assert.deepEqual(BUILD_INFO, { version: config.version, form: "source", gitCommit: "unknown", commitTime: "" });
});
