import { strict as assert } from "node:assert";
import type { ProgressMessage } from "../../api_types/mod.ts";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import type { ArchivedImage } from "../../image/archive/mod.ts";
import { parseImageConfig } from "../../image/config.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus } from "../../plugins/mod.ts";
import { Database } from "../../store/database.ts";
import { ImageRecords } from "../../store/image_records.ts";
import type { LayerInfo } from "../../store/driver.ts";
import { fakeSink } from "../events/events_testing.ts";
import { ImageEvents } from "../events/image_events.ts";
import { ImageLoader, type ImageLoaderDeps } from "./image_loader.ts";
import { LayerLeases } from "./layer_leases.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [ONE, TWO, ID, OTHER] = [digest("1"), digest("2"), digest("c"), digest("d")];
const PLACE = { offset: 512, sizeBytes: 100 };
const infoOf = (diffId: Digest): LayerInfo => ({ diffId, tarBytes: 10, contentBytes: 7, entries: 1 });

/** An image as the archive reader returns it. */
function archived(names: readonly string[], layers: ArchivedImage["layers"], id = ID): ArchivedImage {
  const diffIds = layers.map(({ diffId }) => diffId);
  const configBytes = new TextEncoder().encode(JSON.stringify({
    ...{ os: "linux", architecture: "amd64", config: { Labels: { team: "a" } }, rootfs: { diff_ids: diffIds } },
  }));
  return { id, configBytes, config: parseImageConfig(configBytes, "config"), names, layers };
}

/** A loader whose archives contain the images given by the test. */
class Bench implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly leases = new LayerLeases();
  readonly present = new Set<Digest>();
  readonly blobs: Digest[] = [];
  readonly swept: Digest[][] = [];
  readonly reported: string[] = [];
  readonly ingested: Digest[] = [];
  workspaces = 0;
  failure: TsdError | undefined;
  readonly loader: ImageLoader;

  constructor(images: readonly ArchivedImage[], deps: Partial<ImageLoaderDeps> = {}) {
    const session = { feed: () => Promise.resolve(), info: () => Promise.resolve({ images }) };
    this.loader = new ImageLoader({
      records: this.records,
      blobs: { put: (digest) => Promise.resolve(void this.blobs.push(digest)) },
      layers: { info: (diffId) => Promise.resolve(this.present.has(diffId) ? infoOf(diffId) : undefined) },
      leases: this.leases,
      pool: {
        ingest: ({ diffId }, { onProgress }) => {
          this.ingested.push(diffId);
          if (this.failure !== undefined) return Promise.reject(this.failure);
          onProgress(PLACE.sizeBytes);
          this.present.add(diffId);
          return Promise.resolve(infoOf(diffId));
        },
      },
      workers: { begin: () => Promise.resolve(session) } as unknown as ImageLoaderDeps["workers"],
      hashEngine: "wasm",
      hooks: new HookBus([], SILENT_LOG),
      events: new ImageEvents(fakeSink(({ action, actorId }) => this.reported.push(`${action} ${actorId}`))),
      makeWorkspace: () => {
        this.workspaces++;
        return Promise.resolve({
          path: "/ingest/x",
          [Symbol.asyncDispose]: () => Promise.resolve(void this.workspaces--),
        });
      },
      sweepLayers: (diffIds) => Promise.resolve(void this.swept.push([...diffIds])),
      makeRoom: () => Promise.resolve(false),
      ...deps,
    });
  }

  async load(isQuiet = true): Promise<ProgressMessage[]> {
    const signal = new AbortController().signal;
    return await Array.fromAsync(this.loader.load(ReadableStream.from([]), { isQuiet, signal }));
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}

const failsWith = (code: ErrorCode) => (thrown: unknown) => isTsdError(thrown, code);
const NAME = "docker.io/library/app:1";

Deno.test("images are recorded once all layers are stored; a shared layer is ingested once", async () => {
  using it = new Bench([
    archived([NAME, "host.test/app:2"], [{ diffId: ONE, place: PLACE }, { diffId: TWO, place: PLACE }]),
    archived([], [{ diffId: ONE, place: PLACE }], OTHER),
  ]);
  assert.deepEqual(await it.load(), [
    { stream: "Loaded image: app:1\n" },
    { stream: "Loaded image: host.test/app:2\n" },
    { stream: `Loaded image ID: ${OTHER}\n` },
  ]);
  assert.deepEqual(it.ingested, [ONE, TWO]);
  assert.deepEqual(it.records.names(ID), { tags: [NAME, "host.test/app:2"], repoDigests: [] });
  const record = it.records.get(ID)!;
  assert.deepEqual([record.layers, record.sizeBytes], [[ONE, TWO], 14]);
  assert.deepEqual(it.blobs.slice(0, 2), [ID, record.manifestDigest]);
  assert.deepEqual([it.reported, it.swept, it.workspaces], [[`load ${ID}`, `load ${OTHER}`], [], 0]);
});

Deno.test("quiet suppresses progress, but not the message about a moved name", async () => {
  using it = new Bench([archived([NAME], [{ diffId: ONE, place: PLACE }])]);
  it.records.put({ id: OTHER, manifestDigest: OTHER, layers: [], sizeBytes: 0, addedMs: 1 }, { tag: NAME });
  assert.deepEqual(await it.load(false), [
    { status: "Loading layer", progressDetail: { current: 100, total: 100 }, id: "1".repeat(12) },
    { stream: `The image app:1 already exists, renaming the old one with ID ${OTHER} to empty string\n` },
    { stream: "Loaded image: app:1\n" },
  ]);
  assert.deepEqual(it.records.names(OTHER).tags, []);
  assert.deepEqual(await it.load(false), [{ stream: "Loaded image: app:1\n" }], "what is there isn't loaded again");
});

Deno.test("a layer may be missing from the archive only if it is already stored", async () => {
  using it = new Bench([archived([NAME], [{ diffId: ONE }])]);
  await assert.rejects(it.load(), /layer sha256:1+ is neither in it nor here/);
  assert.deepEqual(it.swept, [[ONE]]);
  it.present.add(ONE);
  assert.equal((await it.load()).length, 1);
});

Deno.test("a layer without content under one image is taken from another image, in any order", async () => {
  const images = [
    archived([NAME], [{ diffId: ONE }]),
    archived([], [{ diffId: ONE, place: PLACE }, { diffId: TWO, place: PLACE }], OTHER),
  ];
  for (const order of [images, images.toReversed()]) {
    using it = new Bench(order);
    assert.equal((await it.load()).length, 2);
    assert.deepEqual(it.ingested, [ONE, TWO]);
  }
});

Deno.test("a failed layer or a refusing hook leaves nothing behind", async () => {
  using it = new Bench([archived([NAME], [{ diffId: ONE, place: PLACE }])]);
  it.failure = new TsdError("digest_mismatch", "not it");
  await assert.rejects(it.load(), failsWith("digest_mismatch"));
  const refuse = { name: "no", apiVersion: 1, hooks: { "image.verify": () => ({ refuse: "not signed" }) } } as const;
  using other = new Bench([archived([NAME], [{ diffId: ONE, place: PLACE }])], {
    hooks: new HookBus([refuse], SILENT_LOG),
  });
  await assert.rejects(other.load(), /not signed/);
  for (const { records, blobs, swept, workspaces, leases } of [it, other]) {
    assert.deepEqual([records.list(), blobs, swept, workspaces, leases.held()], [[], [], [[ONE]], 0, []]);
  }
});
