import { strict as assert } from "node:assert";
import { archNamed } from "./arch.ts";
import { isTsdError } from "../errors.ts";

Deno.test("importing src/sys opens no library: it works without FFI permission", async () => {
  const program = `await import(${JSON.stringify(import.meta.resolve("./mod.ts"))}); console.log("loaded");`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-prompt", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Response(program).body?.pipeTo(child.stdin);
  const { stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stdout).trim(), "loaded", new TextDecoder().decode(stderr));
});

Deno.test("architectures: aarch64 has different open flags; unsupported ones are refused", () => {
  const [x86, arm] = [archNamed("x86_64"), archNamed("aarch64")];
  assert.notEqual(x86.openFlags.directory, arm.openFlags.directory);
  assert.deepEqual([x86.epollEvent.sizeBytes, arm.epollEvent.sizeBytes], [12, 16]);
  for (const name of ["riscv64", "toString"]) {
    assert.throws(() => archNamed(name), (e) => isTsdError(e, "not_implemented"));
  }
});
