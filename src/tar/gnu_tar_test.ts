import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { cString, xattrs } from "../sys/mod.ts";
import { bytesOf, byteStringOf } from "./byte_string.ts";
import type { TarEntry } from "./entry.ts";
import { decodeAll } from "./tar_testing.ts";

/** Runs GNU tar (or another program) in `cwd` and returns its output. */
async function run(cwd: string, program: string, ...args: string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-tar-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Returns the content of a file with stored bytes `data`, including its holes. */
function expanded({ sizeBytes, sparse }: TarEntry, data: string): string {
  if (sparse === undefined) return data;
  const whole = new Uint8Array(sizeBytes);
  let from = 0;
  for (const { offset, length } of sparse) {
    whole.set(bytesOf(data.slice(from, from + length)), offset);
    from += length;
  }
  return byteStringOf(whole);
}

for (const format of ["v7", "ustar", "oldgnu", "gnu", "pax"]) {
  Deno.test(`archives of GNU tar in format ${format} are decoded`, async () => {
    await inTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/in/sub`, { recursive: true });
      await Deno.writeTextFile(`${dir}/in/sub/file`, "content\n".repeat(200), { mode: 0o640 });
      await Deno.utime(`${dir}/in/sub/file`, 1_700_000_000.5, 1_700_000_000.5);
      await Deno.symlink("../elsewhere", `${dir}/in/link`);
      await Deno.link(`${dir}/in/sub/file`, `${dir}/in/second`);
      const deep = "d".repeat(60);
      if (format !== "v7") {
        await Deno.mkdir(`${dir}/in/${deep}/${deep}`, { recursive: true });
        await Deno.writeTextFile(`${dir}/in/${deep}/${deep}/f`, "deep");
      }
      const archive = await run(
        dir,
        "tar",
        "-c",
        `--format=${format}`,
        "--sort=name",
        "--owner=1000",
        "--group=1001",
        "in",
      );
      const found = new Map(decodeAll(archive).entries.map(({ entry, data }) => [entry.path, { ...entry, data }]));
      assert.equal(found.get("in/")?.type, "directory");
      assert.equal(found.get("in/link")?.linkPath, "../elsewhere");
      const [first, second] = [found.get("in/second"), found.get("in/sub/file")];
      assert.equal(first?.data, "content\n".repeat(200));
      assert.deepEqual([second?.type, second?.linkPath], ["link", "in/second"]);
      assert.deepEqual([first?.mode! & 0o777, first?.uid, first?.gid], [0o640, 1000, 1001]);
      assert.deepEqual(
        [first?.mtimeSeconds, first?.mtimeNanos],
        [1_700_000_000, format === "pax" ? 500_000_000 : 0],
      );
      if (format !== "v7") assert.equal(found.get(`in/${deep}/${deep}/f`)?.data, "deep");
    });
  });
}

for (
  const options of [["--format=gnu"], ...["0.0", "0.1", "1.0"].map((v) => ["--format=pax", `--sparse-version=${v}`])]
) {
  Deno.test(`sparse files of GNU tar are decoded: ${options.join(" ")}`, async () => {
    await inTempDir(async (dir) => {
      // More extents than fit into a header and one further block of the old map (4 + 21).
      const file = await Deno.open(`${dir}/sparse`, { create: true, write: true });
      for (let piece = 0; piece < 60; piece++) {
        await file.seek(piece * 65536, Deno.SeekMode.Start);
        await file.write(new TextEncoder().encode(`piece ${piece}`.repeat(10 + piece)));
      }
      await file.truncate(60 * 65536 + 12345);
      file.close();
      await Deno.writeTextFile(`${dir}/tail`, "after");
      const archive = await run(dir, "tar", "-c", "--sparse", ...options, "sparse", "tail");
      const { entries } = decodeAll(archive, [700]);
      assert.deepEqual(entries.map(({ entry }) => entry.path), ["sparse", "tail"]);
      const { entry, data } = entries[0]!;
      assert.ok(entry.sparse!.length >= 60 && entry.storedBytes < entry.sizeBytes / 10);
      assert.ok(expanded(entry, data) === byteStringOf(await Deno.readFile(`${dir}/sparse`)), "content differs");
      assert.equal(entries[1]!.data, "after");
    });
  });
}

Deno.test("extended attributes and large ids of GNU tar are decoded", async () => {
  await inTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/f`, "x");
    xattrs.lsetxattr(cString(`${dir}/f`), cString("user.note"), bytesOf("\0=\n\xff"));
    const archive = await run(
      dir,
      "tar",
      "-c",
      "--xattrs",
      "--format=pax",
      "--owner=4000000000",
      "--group=3000000",
      "f",
    );
    const { entry } = decodeAll(archive).entries[0]!;
    assert.deepEqual(entry.xattrs.get("user.note"), bytesOf("\0=\n\xff"));
    assert.deepEqual([entry.uid, entry.gid], [4_000_000_000, 3_000_000]);
  });
});

Deno.test("an incremental archive of GNU tar is rejected with its type", async () => {
  await inTempDir(async (dir) => {
    await Deno.mkdir(`${dir}/in`);
    const archive = await run(dir, "tar", "-c", "--format=gnu", "--listed-incremental=snapshot", "in");
    assert.throws(() => decodeAll(archive), { code: "layer_invalid", message: /type "D"/ });
  });
});
