import { strict as assert } from "node:assert";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import { type RuntimeProgram, Runtimes, stateRoots } from "./runtimes.ts";
import { enginePaths } from "../paths.ts";

const PROGRAMS = new Map<string, RuntimeProgram>([
  ["runc", { path: "/usr/bin/runc", args: [] }],
  ["other", { path: "/opt/other", args: ["--debug"] }],
]);
const made = (name: string) => ({ name }) as unknown as OciRuntime;
const nameOf = (runtime: OciRuntime | undefined) => (runtime as { name?: string } | undefined)?.name;
const owner = (Runtime?: string) => ({ record: { hostConfig: Runtime === undefined ? {} : { Runtime } } });

Deno.test("a container keeps to the runtime that it was created with", () => {
  const runtimes = new Runtimes(PROGRAMS, "other", made);
  assert.deepEqual(["", "runc", "other"].map((Runtime) => runtimes.choose({ Runtime })), ["other", "runc", "other"]);
  // Older records name none.
  assert.equal(nameOf(runtimes.of(owner())), "runc");
  assert.equal(nameOf(runtimes.of(owner("other"))), "other");
  assert.equal(nameOf(runtimes.of(owner("io.containerd.runc.v2"))), "runc");
  assert.deepEqual(Object.keys(runtimes.programs), ["runc", "other"]);
});

Deno.test("one that isn't there, or not any more, is refused in Docker's words", () => {
  const runtimes = new Runtimes(PROGRAMS, "runc", made);
  const refusal = { code: "invalid_argument", message: "unknown or invalid runtime name: gone" };
  assert.throws(() => runtimes.choose({ Runtime: "gone" }), refusal);
  assert.throws(() => runtimes.of(owner("gone")), refusal);
  assert.equal(runtimes.ofIfKnown(owner("gone")), undefined);
});

Deno.test("state folders: runc's, and those of others that have been there", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const paths = { ...await enginePaths(dir), runDir: dir };
    for (const name of ["runc", "runtime-other", "containers"]) await Deno.mkdir(`${dir}/${name}`);
    assert.deepEqual(await stateRoots(paths), [
      { name: "runc", dir: `${dir}/runc` },
      { name: "other", dir: `${dir}/runtime-other` },
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
