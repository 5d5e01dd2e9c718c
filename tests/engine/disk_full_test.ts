/** A data root on a full disk: one clear error, nothing left, and it works again once there is space. */
import { strict as assert } from "node:assert";
import { runCommand, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, busyboxImage, dockerArchive, file, type Image } from "../images/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { filesBelow, pull, runDetached, stateOf, until } from "./setup.ts";

const MIB = 1 << 20;
const DISK_BYTES = 64 * MIB;

/** A small ext4 file system in a file. */
class SmallDisk implements AsyncDisposable {
  private constructor(readonly dir: string) {}

  static async make(): Promise<SmallDisk> {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-disk-" }));
    await sh(`truncate -s ${DISK_BYTES} ${dir}/image; mkfs.ext4 -q -m 0 ${dir}/image; mkdir ${dir}/disk`);
    await sh(`mount -o loop ${dir}/image ${dir}/disk`);
    return new SmallDisk(dir);
  }

  get path(): string {
    return `${this.dir}/disk`;
  }

  async freeBytes(): Promise<number> {
    return Number(await sh(`stat -f -c '%a %S' ${this.path} | { read free size; echo $((free * size)); }`));
  }

  /** Leaves that much free space. */
  async fill(remainingBytes: number): Promise<void> {
    const filler = `${this.path}/filler`;
    await sh(`fallocate -l ${await this.freeBytes() - Math.max(remainingBytes, MIB)} ${filler}`);
    // The file's extent tree takes blocks too: the last ones are filled one by one.
    if (remainingBytes === 0) await sh(`cat /dev/zero >>${filler} 2>/dev/null || true`);
  }

  async makeRoom(): Promise<void> {
    await Deno.remove(`${this.path}/filler`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await sh(`umount ${this.path}`);
    await removeTree(this.dir);
  }
}

async function sh(script: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand("sh", ["-ec", script]);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout.trim();
}

/** Two layers of random bytes, of which only one fits on the disk. */
async function twoBigLayers(): Promise<Image> {
  const random = () => {
    const bytes = new Uint8Array(10 * MIB);
    for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
    return bytes;
  };
  const builder = busyboxBuilder();
  for (const name of ["big1", "big2"]) builder.layer([file(name, random())], { compression: "none" });
  return await builder.build();
}

Deno.test("a pull that does not fit fails, and succeeds once there is space", requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const small = registry.add("busybox", "1", await busyboxImage());
  const bigImage = await twoBigLayers();
  const big = registry.add("big", "1", bigImage);
  await using disk = await SmallDisk.make();
  await using engine = await startEngine({ dataRoot: `${disk.path}/data` });
  await pull(engine, small);
  await disk.fill(16 * MIB);
  const before = { free: await disk.freeBytes(), files: await filesBelow(engine.layerRoot) };
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, stderr } = await engine.tsd(["pull", big]);
    assert.equal(code, 1);
    assert.match(stderr, /^tsd: [^\n]*No space left on device[^\n]*\n$/);
  }
  const loaded = await engine.api.request("POST", "/images/load", { body: dockerArchive(bigImage, ["big:2"]) });
  assert.equal(loaded.status, 507);
  assert.match(loaded.json<{ message: string }>().message, /No space left on device/);
  assert.deepEqual(await filesBelow(engine.layerRoot), before.files);
  assert.ok(before.free - await disk.freeBytes() < MIB, `${before.free} → ${await disk.freeBytes()}`);
  assert.equal((await engine.tsd(["images", "-q"])).stdout.match(/\n/g)?.length, 1);
  assert.equal((await engine.tsd(["run", "--rm", "--network", "none", small, "echo", "lives"])).stdout, "lives\n");
  await disk.makeRoom();
  await pull(engine, big);
  const ran = await engine.tsd(["run", "--rm", "--network", "none", big, "stat", "-c", "%s", "/big1", "/big2"]);
  assert.deepEqual([ran.code, ran.stdout], [0, `${10 * MIB}\n${10 * MIB}\n`]);
});

Deno.test(
  "containers on a full disk keep running, and their logs continue once there is space",
  requires("root", "runc"),
  async () => {
    await using registry = startScriptedRegistry();
    const image = registry.add("busybox", "1", await busyboxImage());
    await using disk = await SmallDisk.make();
    const shared = `${disk.dir}/shared`;
    await Deno.mkdir(shared);
    await using engine = await startEngine({ dataRoot: `${disk.path}/data` });
    await pull(engine, image);
    const count = async () => Number(await Deno.readTextFile(`${shared}/count`).catch(() => "0"));
    const more = async (lines: number) => {
      const goal = await count() + lines;
      await until(`line ${goal}`, async () => await count() >= goal);
    };
    // Atomic, so that a reader never sees an empty file.
    const script = "i=0; while :; do echo line $i; i=$((i+1)); echo $i >/s/new; mv /s/new /s/count; done";
    const id = await runDetached({ engine, image }, script, ["-v", `${shared}:/s`]);
    await more(100);
    await disk.fill(0);
    await more(1000);
    const full = await engine.tsd(["run", "--name", "c1", "--network", "none", image, "true"]);
    assert.equal(full.code, 125);
    assert.match(full.stderr, /^tsd: [^\n]*(No space left on device|disk is full)[^\n]*\n/);
    assert.equal((await stateOf(engine, id)).Status, "running");
    await more(100);
    await disk.makeRoom();
    const atRoom = await count();
    const logged = async () => {
      const lines = (await engine.tsd(["logs", id])).stdout.trimEnd().split("\n");
      return lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
    };
    // A disk that failed is retried only after a delay.
    await until("lines from after there was room", async () => (await logged()).at(-1)! > atRoom);
    const numbers = await logged();
    // Some lines are missing, but the others are complete, in order, and continue to the present.
    assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
    assert.deepEqual(numbers.slice(0, 100), numbers.slice(0, 100).map((_, n) => n));
    assert.equal((await engine.tsd(["rm", "-f", id])).code, 0);
    assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
    assert.equal((await engine.tsd(["run", "--rm", "--network", "none", image, "echo", "lives"])).stdout, "lives\n");
  },
);

Deno.test("an engine on a full disk starts, stops and restores its containers", requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const image = registry.add("busybox", "1", await busyboxImage());
  await using disk = await SmallDisk.make();
  await using engine = await startEngine({ dataRoot: `${disk.path}/data` });
  await pull(engine, image);
  const id = await runDetached({ engine, image }, "exec sleep 1000");
  await disk.fill(0);
  try {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await engine.restart(signal);
      assert.equal((await stateOf(engine, id)).Status, "running");
    }
  } finally {
    await disk.makeRoom();
  }
  assert.equal((await engine.tsd(["rm", "-f", id])).code, 0);
});

Deno.test("a container that exits on a full disk is reported as exited", requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const image = registry.add("busybox", "1", await busyboxImage());
  await using disk = await SmallDisk.make();
  await using engine = await startEngine({ dataRoot: `${disk.path}/data` });
  await pull(engine, image);
  const script = "trap 'exit 5' TERM; while :; do usleep 10000; done";
  const ids = await Promise.all([1, 2, 3].map(() => runDetached({ engine, image }, script)));
  await using waiting = engine.session("tsd", ["wait", ids[0]!]);
  await disk.fill(0);
  try {
    for (const id of ids) {
      assert.equal((await engine.tsd(["stop", id])).code, 0);
      assert.deepEqual([(await stateOf(engine, id)).Status, (await stateOf(engine, id)).ExitCode], ["exited", 5]);
    }
    assert.equal((await waiting.wait()).stdout, "5\n");
  } finally {
    await disk.makeRoom();
  }
  assert.equal((await engine.tsd(["start", ids[0]!])).code, 0);
  await engine.restart("SIGKILL");
  assert.equal((await stateOf(engine, ids[0]!)).Status, "running");
  for (const id of ids.slice(1)) assert.equal((await stateOf(engine, id)).ExitCode, 5);
});
