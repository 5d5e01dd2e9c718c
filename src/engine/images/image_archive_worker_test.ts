import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { digestOfHex, hexOf } from "../../image/digest.ts";
import { concatenated, streamOf } from "../../io/mod.ts";
import { ErofsLayerStore } from "../../store/erofs/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, decodeAll, rawFile } from "../../tar/tar_testing.ts";
import { workerUrl } from "../../worker_entry.ts";
import { CopyWorkers } from "../copy/workers.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "./image_archive_protocol.ts";

const NEVER = new AbortController().signal;
const utf8 = (text: string) => new TextEncoder().encode(text);

async function withWorkers(
  body: (workers: CopyWorkers<ImageArchiveJob, ImageArchiveInfo>, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-image-archive-" });
  using workers = new CopyWorkers<ImageArchiveJob, ImageArchiveInfo>(workerUrl("imageArchive"));
  try {
    await body(workers, dir);
  } finally {
    await new Deno.Command("chattr", { args: ["-R", "-i", dir], stderr: "null" }).output();
    await Deno.remove(dir, { recursive: true });
  }
}

const config = JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { diff_ids: [] } });
const manifest = JSON.stringify([{ Config: "c.json", RepoTags: ["app:1"], Layers: [] }]);

Deno.test("an archive is spooled uncompressed and parsed", () =>
  withWorkers(async (workers, dir) => {
    const tar = concat(rawFile("c.json", config), rawFile("manifest.json", manifest), END_OF_TAR);
    const path = `${dir}/archive.tar`;
    const session = await workers.begin({ kind: "open", hashEngine: "wasm", path }, NEVER);
    await session.feed(ReadableStream.from([tar.slice(0, 700), tar.slice(700)]));
    const { images } = await session.info();
    assert.deepEqual(images.map(({ id, names }) => [id, names]), [
      [digestOfHex(await sha256Hex(utf8(config))), ["docker.io/library/app:1"]],
    ]);
    assert.deepEqual(await Deno.readFile(path), tar);
  }));

Deno.test("a truncated archive is rejected", () =>
  withWorkers(async (workers, dir) => {
    const job = { kind: "open", hashEngine: "wasm", path: `${dir}/archive.tar` } as const;
    const session = await workers.begin(job, NEVER);
    const feeding = session.feed(streamOf(rawFile("c.json", config).slice(0, 600)));
    await assert.rejects(feeding, (thrown) => isTsdError(thrown, "layer_invalid"));
    await assert.rejects(session.info());
  }));

Deno.test({
  name: "an archive is made of stored layers; one that is damaged ends it",
  ...requires("root"),
  fn: () =>
    withWorkers(async (workers, dir) => {
      const tar = concat(rawFile("file", "content"), END_OF_TAR);
      const diffId = digestOfHex(await sha256Hex(tar));
      {
        using store = new ErofsLayerStore({ root: dir });
        await store.ingest(streamOf(tar.slice()), { diffId });
      }
      const save = async () => {
        const files = [
          { name: "blobs/sha256/x", layer: { diffId, tarBytes: tar.length } },
          { name: "index.json", bytes: utf8("{}") },
        ];
        const storage = { driver: "erofs", root: dir } as const;
        const session = await workers.begin({ kind: "save", hashEngine: "wasm", storage, files }, NEVER);
        return concatenated(await Array.fromAsync(session.output()));
      };
      const { entries } = decodeAll(await save());
      assert.deepEqual(entries.map(({ entry }) => [entry.path, entry.sizeBytes]), [
        ...[["blobs/", 0], ["blobs/sha256/", 0], ["blobs/sha256/x", tar.length], ["index.json", 2]],
      ]);
      const layer = `${dir}/layers/${hexOf(diffId)}`;
      await new Deno.Command("chattr", { args: ["-R", "-i", layer], stderr: "null" }).output();
      await Deno.remove(`${layer}/layer.tar`);
      await Deno.writeFile(`${layer}/layer.tar`, tar.with(513, 0x21));
      await assert.rejects(save(), (thrown: Error) => {
        return isTsdError(thrown, "digest_mismatch") && thrown.message.includes(diffId);
      });
    }),
});
