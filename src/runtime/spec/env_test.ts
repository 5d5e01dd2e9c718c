import { strict as assert } from "node:assert";
import { DEFAULT_PATH, mergeConfigEnv, mergeEnv, overrideEnv } from "./env.ts";

const BASE = { hostname: "box", tty: false };
const PATH = `PATH=${DEFAULT_PATH}`;

Deno.test("mergeEnv: defaults first, then the user's, then the image's", () => {
  assert.deepEqual(mergeEnv(["A=image", "B=image"], ["B=user", "C=user"], BASE), [
    PATH,
    "HOSTNAME=box",
    "B=user",
    "C=user",
    "A=image",
  ]);
});

Deno.test("mergeEnv: an overridden default keeps its position", () => {
  assert.deepEqual(mergeEnv(["PATH=/image"], ["TERM=dumb"], { ...BASE, tty: true }), [
    "PATH=/image",
    "HOSTNAME=box",
    "TERM=dumb",
  ]);
});

Deno.test("mergeEnv: a key without = removes the variable from the defaults and the image", () => {
  assert.deepEqual(mergeEnv(["A=1", "B=2"], ["HOSTNAME", "A"], BASE), [PATH, "B=2"]);
});

Deno.test("mergeEnv: HOME is set only if unset or empty", () => {
  const home = (env: string[]) => mergeEnv([], env, { ...BASE, home: "/root" }).slice(2);
  assert.deepEqual(home([]), ["HOME=/root"]);
  assert.deepEqual(home(["HOME="]), ["HOME=/root"]);
  assert.deepEqual(home(["HOME=/mine"]), ["HOME=/mine"]);
});

Deno.test("mergeEnv: the last value of a duplicate key applies; values may contain equals signs", () => {
  assert.deepEqual(mergeEnv([], ["A=1", "A=x=y"], BASE).slice(2), ["A=x=y"]);
});

Deno.test("mergeConfigEnv: returns the variables that inspect shows", () => {
  assert.deepEqual(mergeConfigEnv(["PATH=/p", "A=image"], ["A", "B=1"]), ["A", "B=1", "PATH=/p"]);
});

Deno.test("overrideEnv does not change its input", () => {
  const base = Object.freeze(["A=1", "B=2"]);
  assert.deepEqual(overrideEnv(base, ["B", "C=3"]), ["A=1", "C=3"]);
});
