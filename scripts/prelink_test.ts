import "../src/sys/preopen_testing.ts";
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { NotPrelinkable, prelink } from "./prelink.ts";
import { capture } from "./project.ts";

Deno.test("a prelinked Deno runs as before, at a fixed address", async () => {
  const file = await Deno.readFile(Deno.execPath());
  const [size, machine] = [file.length, file[18]];
  assert.ok(prelink(file) > 100_000);
  assert.deepEqual([file.length, file[16], file[18]], [size, 2, machine]);
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "deno");
    await Deno.writeFile(path, file, { mode: 0o700 });
    const script = join(dir, "says.ts");
    await Deno.writeTextFile(
      script,
      `const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
       await new Promise<void>((resolve) => setTimeout(resolve, 1));
       const libc = Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } });
       console.log(WebAssembly.validate(wasm), libc.symbols.getpid() === Deno.pid, Deno.execPath() === ${
        JSON.stringify(path)
      });
       try { null!.x; } catch (error) { console.log((error as Error).stack!.includes("says.ts:5")); }`,
    );
    const { text } = await capture(path, ["run", "-A", "--no-config", "--quiet", script], { timeoutMs: 60_000 });
    assert.equal(text, "true true true\ntrue\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what can't be prelinked is told with the reason", async () => {
  const reason = (file: Uint8Array) => {
    try {
      prelink(file);
    } catch (error) {
      if (error instanceof NotPrelinkable) return error.message;
      throw error;
    }
    return "none";
  };
  assert.equal(reason(new TextEncoder().encode("#!/bin/sh\n")), "it is no 64-bit little-endian ELF file");
  assert.equal(reason(new Uint8Array(100)), "it is no 64-bit little-endian ELF file");
  const deno = await Deno.readFile(Deno.execPath());
  const other = deno.slice();
  other[18] = 243; // RISC-V
  assert.equal(reason(other), "its machine (243) is not known here");
  assert.ok(prelink(deno) > 0);
  assert.equal(reason(deno), "it has a fixed address already");
});
