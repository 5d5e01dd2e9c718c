import { strict as assert } from "node:assert";
import { INIT_PROGRAMS, initProgram } from "./init_program.ts";

/** The beginning of a 64-bit ELF file whose program headers have these types. */
function elf(types: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(64 + 56 * types.length);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, types.length, true);
  types.forEach((type, i) => view.setUint32(64 + i * 56, type, true));
  return bytes;
}

Deno.test("init: the first static program of the table", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const put = async (name: string, content: Uint8Array | string, mode = 0o755) => {
      const path = `${dir}/${name}`;
      await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
      await Deno.chmod(path, mode);
      return path;
    };
    const unfit = [
      `${dir}/missing`,
      `${dir}/script/below`,
      dir,
      await put("script", "#!/bin/sh\n".padEnd(100)),
      await put("empty", ""),
      await put("cut", elf([1]).subarray(0, 80)),
      await put("dynamic", elf([6, 3, 1])),
      await put("plain-file", elf([1]), 0o644),
    ];
    const fit = await put("static", elf([1, 1, 4]));
    const other = await put("static-pie", elf([1, 2]));
    assert.deepEqual(await initProgram({ Init: true }, [...unfit, fit, other]), { init: { path: fit } });
    assert.deepEqual(await initProgram({ Init: true, PidMode: "private" }, [other, fit]), { init: { path: other } });
    for (const host of [{}, { Init: null }, { Init: false }, { Init: true, PidMode: "host" }]) {
      assert.deepEqual(await initProgram(host, [fit]), {});
    }
    await assert.rejects(
      initProgram({ Init: true }, unfit),
      /Cannot use --init: .* \(tini-static, docker-init, catatonit\); install the package tini$/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("init: a real program that needs libraries is none", async () => {
  await assert.rejects(initProgram({ Init: true }, [Deno.execPath()]), /no static init program/);
  // Whatever this machine has of the table is taken or not, but read.
  const outcome = await initProgram({ Init: true }).then(({ init }) => init?.path, (thrown) => thrown.code);
  assert.ok(outcome === "runtime_missing" || INIT_PROGRAMS.includes(outcome), String(outcome));
});
