/** Clones on a file system that can share blocks, through tsd: they take no space, and diverge on writes. */
import { strict as assert } from "node:assert";
import { btrfsVolume, runCommand, startEngine } from "../harness/mod.ts";
import { requires } from "../requires.ts";

const MB = 1 << 20;

/** Returns a directory's exclusive and shared bytes, as `btrfs filesystem du` counts them. */
async function blocksOf(path: string): Promise<{ exclusive: number; shared: number }> {
  const { code, stdout, stderr } = await runCommand("btrfs", ["filesystem", "du", "--raw", "-s", path]);
  assert.equal(code, 0, stderr);
  const [, exclusive, shared] = stdout.trim().split("\n").at(-1)!.trim().split(/\s+/).map(Number);
  return { exclusive: exclusive!, shared: shared! };
}

Deno.test({
  name: "volume clone: on btrfs a copy shares its blocks until one side is written to",
  ...requires("root", "runc", "btrfs"),
  async fn() {
    await using btrfs = await btrfsVolume();
    await using engine = await startEngine({ dataRoot: `${btrfs.path}/data` });
    const said = async (...args: string[]) => {
      const { code, stdout, stderr } = await engine.tsd(args);
      assert.deepEqual([code, stderr], [0, ""]);
      return stdout;
    };
    await said("volume", "create", "data");
    const [from, to] = ["data", "copy"].map((name) => `${engine.dataRoot}/volumes/${name}/_data`) as [string, string];
    for (const name of ["a", "b"]) {
      const bytes = new Uint8Array(8 * MB);
      for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
      await Deno.writeFile(`${from}/${name}`, bytes);
    }
    await runCommand("sync", ["-f", from]);
    assert.deepEqual(await blocksOf(from), { exclusive: 16 * MB, shared: 0 });
    assert.equal(await said("volume", "clone", "data", "copy"), "copy\n");
    await runCommand("sync", ["-f", to]);
    for (const dir of [from, to]) assert.deepEqual(await blocksOf(dir), { exclusive: 0, shared: 16 * MB });
    using file = await Deno.open(`${to}/a`, { write: true });
    await file.write(new Uint8Array(MB).fill(1));
    await runCommand("sync", ["-f", to]);
    const { exclusive } = await blocksOf(to);
    assert.ok(exclusive >= MB && exclusive < 3 * MB, `${exclusive} bytes of its own`);
    assert.equal((await runCommand("cmp", [`${from}/b`, `${to}/b`])).code, 0);
    assert.notEqual((await runCommand("cmp", ["-s", `${from}/a`, `${to}/a`])).code, 0);
    await said("volume", "rm", "data", "copy");
  },
});
