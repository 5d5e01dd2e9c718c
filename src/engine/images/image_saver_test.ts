import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import { Database } from "../../store/database.ts";
import { type ImageRecord, ImageRecords } from "../../store/image_records.ts";
import { fakeSink } from "../events/events_testing.ts";
import { ImageEvents } from "../events/image_events.ts";
import type { ImageArchiveJob } from "./image_archive_protocol.ts";
import { ImageCatalog } from "./image_catalog.ts";
import { ImageSaver, type ImageSaverDeps } from "./image_saver.ts";
import { ImageLeases } from "./image_leases.ts";
import { LayerLeases } from "./layer_leases.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [LAYER, A, B] = [digest("1"), digest("a"), digest("b")];
const CONFIG = new TextEncoder().encode(
  JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { diff_ids: [LAYER] } }),
);

/** Two images, `app:1` and `app:2`; one of them is also `host.test/other:1`. */
class Bench implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly leases = new LayerLeases();
  readonly jobs: ImageArchiveJob[] = [];
  readonly reported: string[] = [];
  readonly over = Promise.withResolvers<void>();
  readonly saver: ImageSaver;

  constructor() {
    const record = (id: Digest): ImageRecord => ({
      ...{ id, manifestDigest: id, layers: [LAYER], sizeBytes: 1, addedMs: 1 },
    });
    this.records.put(record(A), { tags: ["docker.io/library/app:1", "host.test/other:1"] });
    this.records.put(record(B), { tag: "docker.io/library/app:2" });
    const blobs = { get: () => Promise.resolve(CONFIG) };
    const session = {
      over: this.over.promise,
      async *output() {
        yield await Promise.resolve(new Uint8Array([1]));
      },
    };
    const workers = {
      begin: (job: ImageArchiveJob) => {
        this.jobs.push(job);
        return Promise.resolve(session);
      },
    };
    this.saver = new ImageSaver({
      catalog: new ImageCatalog(this.records, blobs),
      records: this.records,
      blobs,
      layers: { info: (diffId) => Promise.resolve({ diffId, tarBytes: 10, contentBytes: 7, entries: 1 }) },
      uses: new ImageLeases({ records: this.records, leases: this.leases, sweepLayers: () => Promise.resolve() }),
      workers: workers as unknown as ImageSaverDeps["workers"],
      storage: { driver: "overlay2", root: "/x" },
      hashEngine: "wasm",
      events: new ImageEvents(fakeSink(({ action, actorId }) => this.reported.push(`${action} ${actorId}`))),
      log: SILENT_LOG,
    });
  }

  /** Saves images and returns the tags in `manifest.json`. */
  async tags(...names: string[]): Promise<(string[] | null)[]> {
    await Array.fromAsync(await this.saver.save(names, { signal: new AbortController().signal }));
    const job = this.jobs.at(-1)!;
    assert.ok(job.kind === "save");
    const manifest = job.files.find(({ name }) => name === "manifest.json")!;
    assert.ok("bytes" in manifest);
    const items = JSON.parse(new TextDecoder().decode(manifest.bytes)) as { RepoTags: string[] | null }[];
    return items.map(({ RepoTags }) => RepoTags);
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}

Deno.test("names: a tag, a repository with all its tags, an id; each image is saved once", async () => {
  using it = new Bench();
  assert.deepEqual(await it.tags("app:1"), [["app:1"]]);
  assert.deepEqual(await it.tags("app"), [["app:1"], ["app:2"]]);
  assert.deepEqual(await it.tags(A), [null]);
  assert.deepEqual(await it.tags("aaaaaaaaaaaa", "host.test/other:1", "app:1", "app:1"), [[
    "host.test/other:1",
    "app:1",
  ]]);
  assert.deepEqual(it.reported.slice(0, 3), [`save ${A}`, `save ${A}`, `save ${B}`]);
});

Deno.test("images and layers are leased until the archive ends", async () => {
  using it = new Bench();
  await it.tags("app:1");
  assert.deepEqual(it.leases.held().sort(), [LAYER, A]);
  it.over.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(it.leases.held(), []);
});

Deno.test("unknown images and images for another platform can't be saved", async () => {
  using it = new Bench();
  const refused = async (names: readonly string[], code: ErrorCode, text: RegExp) =>
    await assert.rejects(
      it.saver.save(names, {
        signal: new AbortController().signal,
        platform: { os: "linux", architecture: "arm64", variant: "v8" },
      }),
      (thrown: Error) => isTsdError(thrown, code) && text.test(thrown.message),
    );
  await refused([], "invalid_argument", /no image is named/);
  await refused(["nope"], "image_not_found", /^No such image: nope$/);
  await refused(["nope:1"], "image_not_found", /^reference does not exist$/);
  await refused(["app:3"], "image_not_found", /^reference does not exist$/);
  await refused(["../UP"], "invalid_reference", /./);
  await refused(["app"], "image_not_found", /^no suitable export target found for platform linux\/arm64\/v8$/);
  assert.deepEqual([it.leases.held(), it.jobs, it.reported], [[], [], []]);
  assert.ok(parseImageConfig(CONFIG, "config"));
});
