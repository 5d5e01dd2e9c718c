/**
 * Power cuts in and after a pull: the data root is on ext4 (or btrfs) in a file, which is copied without any sync while
 * the engine is frozen. A copy has what a disk would have; an engine is started on each.
 */
import { strict as assert } from "node:assert";
import type { StorageDriver } from "../../src/store/drivers.ts";
import { type Engine, runCommand, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, digestOf, file } from "../images/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { pull } from "./setup.ts";

export interface PowerCutsOptions {
  readonly driver: StorageDriver;
  readonly everyMs: number;
  /** The number of snapshots after the pull has returned. */
  readonly afterwards: number;
  /** Sizes of the layers' files. */
  readonly layerBytes: readonly number[];
  readonly bytesPerSecond: number;
}

/** The results of all snapshots. */
export interface PowerCutsFigures {
  absent: number;
  whole: number;
}

const DISK_BYTES = 1 << 30;
const contentOf = (seed: number, length: number) => Uint8Array.from({ length }, (_, at) => (at * at * seed) >> 7);

async function sh(script: string): Promise<void> {
  const { code, stderr } = await runCommand("sh", ["-ec", script]);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
}

/** A disk that keeps all writes in memory, and copies of it. */
class Disk implements AsyncDisposable {
  #isMounted = false;
  #copies = 0;

  private constructor(readonly dir: string) {}

  static async make(driver: StorageDriver): Promise<Disk> {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-power-" }));
    await sh(`cd ${dir}; mkdir ram disk; mount -t tmpfs tmpfs ram; truncate -s ${DISK_BYTES} ram/0`);
    const mkfs = driver === "btrfs" ? "mkfs.btrfs -q" : "mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0";
    await sh(`${mkfs} ${dir}/ram/0`);
    const disk = new Disk(dir);
    await disk.insert(0);
    return disk;
  }

  get path(): string {
    return `${this.dir}/disk`;
  }

  get copies(): number {
    return this.#copies;
  }

  async insert(copy: number): Promise<void> {
    await sh(`mount -o loop ${this.dir}/ram/${copy} ${this.path}`);
    this.#isMounted = true;
  }

  async eject(): Promise<void> {
    if (this.#isMounted) await sh(`umount ${this.path}`);
    this.#isMounted = false;
  }

  /** Copies what the disk would have after a power cut now. */
  async snapshot(engine: Engine): Promise<void> {
    const { pid } = engine;
    Deno.kill(pid, "SIGSTOP");
    try {
      await sh(`cp --sparse=always ${this.dir}/ram/0 ${this.dir}/ram/${++this.#copies}`);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.eject();
    // A loop device closes its file only shortly after the unmount.
    await sh(`umount -l ${this.dir}/ram`);
    await removeTree(this.dir);
  }
}

/** @throws AssertionError if a listed image is broken, or an image that was reported as pulled is absent */
export async function powerCuts(options: PowerCutsOptions): Promise<PowerCutsFigures> {
  const { driver, everyMs, afterwards, layerBytes, bytesPerSecond } = options;
  await using registry = startScriptedRegistry();
  const builder = busyboxBuilder();
  const sums = layerBytes.map((bytes, n) => {
    const content = contentOf(7 + 2 * n, bytes);
    builder.layer([file(`file${n}`, content)], { compression: n % 2 === 0 ? "none" : "gzip" });
    return `${digestOf(content).slice("sha256:".length)}  /file${n}\n`;
  });
  const reference = registry.add("power", "1", await builder.build());
  registry.fail({ path: "*/blobs/*", fault: "slow", bytesPerSecond });
  await using disk = await Disk.make(driver);
  await using engine = await startEngine({ dataRoot: `${disk.path}/data`, args: ["--storage-driver", driver] });
  let returnedAt: number | undefined;
  const pulling = pull(engine, reference).then(() => returnedAt = disk.copies + 1);
  while (returnedAt === undefined || disk.copies < returnedAt + afterwards) {
    await disk.snapshot(engine);
    // Snapshots at fixed times are the point of this test.
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await pulling;
  registry.heal();
  const figures: PowerCutsFigures = { absent: 0, whole: 0 };
  for (let copy = 1; copy <= disk.copies; copy++) {
    await engine.stop();
    await disk.eject();
    await disk.insert(copy);
    await engine.start();
    const isListed = (await engine.tsd(["images", "-q"])).stdout !== "";
    // The copy in progress when the pull returned may be of an earlier state.
    if (copy > returnedAt) assert.ok(isListed, `snapshot ${copy} of ${disk.copies}: the image was lost`);
    if (!isListed) await pull(engine, reference);
    const files = sums.map((_, n) => `/file${n}`);
    const ran = await engine.tsd(["run", "--rm", "--network", "none", reference, "sha256sum", ...files]);
    assert.deepEqual([ran.code, ran.stderr, ran.stdout], [0, "", sums.join("")], `snapshot ${copy}`);
    figures[isListed ? "whole" : "absent"]++;
  }
  return figures;
}
