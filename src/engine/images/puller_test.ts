import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { canonicalString, parseReference } from "../../image/reference.ts";
import type { ResolvedImage } from "../../image/registry/mod.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type PluginHooks } from "../../plugins/mod.ts";
import { Database } from "../../store/database.ts";
import { ImageRecords } from "../../store/image_records.ts";
import type { LayerInfo } from "../../store/driver.ts";
import { fakeSink } from "../events/events_testing.ts";
import { ImageEvents } from "../events/image_events.ts";
import { settle } from "../../async/clock_testing.ts";
import type { IngestOptions } from "./ingest_pool.ts";
import type { IngestJob } from "./ingest_protocol.ts";
import { LayerLeases } from "./layer_leases.ts";
import { Puller } from "./puller.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [CONFIG, MANIFEST, TOP] = [digest("c"), digest("d"), digest("e")];
const NEVER = new AbortController().signal;

const infoOf = (diffId: Digest): LayerInfo => ({ diffId, tarBytes: 10, contentBytes: 7, entries: 1 });

/** An image of layers with these diffIDs; each blob's digest is its diffID. */
function image(...diffIds: Digest[]): ResolvedImage {
  const configBytes = new TextEncoder().encode(JSON.stringify({
    ...{ os: "linux", architecture: "amd64", config: { Labels: { team: "a" } } },
    rootfs: { type: "layers", diff_ids: diffIds },
  }));
  return {
    ...{ topDigest: TOP, manifestDigest: MANIFEST, manifestBytes: new Uint8Array([1]), configDigest: CONFIG },
    ...{ configBytes, config: parseImageConfig(configBytes, "config") },
    layers: diffIds.map((diffId) => ({ diffId, descriptor: { digest: diffId, sizeBytes: 100, mediaType: "layer" } })),
  } as unknown as ResolvedImage;
}

interface Ingest extends IngestOptions, PromiseWithResolvers<LayerInfo> {
  readonly diffId: Digest;
}

/** A puller whose registry has one image; the test controls when layers arrive. */
class Bench implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly leases = new LayerLeases();
  readonly present = new Set<Digest>();
  readonly blobs: Digest[] = [];
  readonly swept: Digest[][] = [];
  readonly reported: string[] = [];
  readonly ingests: Ingest[] = [];
  /** Size of the remains of incomplete pulls, in bytes. */
  room = 0;
  readonly puller: Puller;

  /** Requests sent to registries. */
  readonly requested: string[] = [];

  constructor(image: ResolvedImage, hooks: PluginHooks = {}) {
    this.puller = new Puller({
      registry: {
        resolveManifest: (reference) => {
          this.requested.push(canonicalString(reference));
          return Promise.resolve(image);
        },
        listTags: () => Promise.resolve(["1", "2"]),
      },
      records: this.records,
      blobs: { put: (digest) => Promise.resolve(void this.blobs.push(digest)) },
      layers: { info: (diffId) => Promise.resolve(this.present.has(diffId) ? infoOf(diffId) : undefined) },
      leases: this.leases,
      pool: { ingest: (job, options) => this.#ingest(job, options) },
      hooks: new HookBus([{ name: "p", apiVersion: 1, hooks }], SILENT_LOG),
      events: new ImageEvents(fakeSink(({ action, actorId }) => this.reported.push(`${action} ${actorId}`))),
      sweepLayers: (diffIds) => Promise.resolve(void this.swept.push([...diffIds])),
      makeRoom: () => Promise.resolve(this.room > 0),
    });
  }

  /** Starts a pull and resolves to its messages once it has ended. */
  pull(name = "alpine:3", signal = NEVER) {
    const said: string[] = [];
    const over = (async () => {
      for await (const { status, id } of await this.puller.pull(parseReference(name), undefined, { signal })) {
        said.push(id === undefined ? `${status}` : `${id}: ${status}`);
      }
    })();
    return { said, over };
  }

  #ingest({ diffId, ...job }: Omit<IngestJob, "id">, options: IngestOptions): Promise<LayerInfo> {
    if ("repository" in job) this.requested.push(`layer of ${job.repository}`);
    const running = { diffId, ...options, ...Promise.withResolvers<LayerInfo>() };
    this.ingests.push(running);
    options.signal.addEventListener("abort", () => running.reject(new TsdError("cancelled", "The pull was cancelled")));
    return running.promise.then((info) => {
      this.present.add(diffId);
      return info;
    });
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}

const failsWith = (code: ErrorCode) => (thrown: unknown) => isTsdError(thrown, code);
const [ONE, TWO] = [digest("1"), digest("2")];
const [SHORT1, SHORT2] = ["111111111111", "222222222222"];

Deno.test("layers are fetched in parallel; the image is recorded once all are stored, and not before", async () => {
  using it = new Bench(image(ONE, TWO));
  const pulling = it.pull();
  await settle();
  assert.deepEqual(it.ingests.map(({ diffId }) => diffId), [ONE, TWO]);
  it.ingests[1]!.resolve(infoOf(TWO));
  await settle();
  assert.deepEqual([it.records.list(), it.blobs], [[], []]);
  it.ingests[0]!.onProgress(50);
  it.ingests[0]!.onProgress(51);
  it.ingests[0]!.resolve(infoOf(ONE));
  await pulling.over;
  assert.deepEqual(pulling.said, [
    "3: Pulling from library/alpine",
    `${SHORT1}: Pulling fs layer`,
    `${SHORT2}: Pulling fs layer`,
    `${SHORT2}: Verifying Checksum`,
    `${SHORT2}: Download complete`,
    `${SHORT2}: Pull complete`,
    `${SHORT1}: Downloading`,
    `${SHORT1}: Verifying Checksum`,
    `${SHORT1}: Download complete`,
    `${SHORT1}: Pull complete`,
    `Digest: ${TOP}`,
    "Status: Downloaded newer image for alpine:3",
  ]);
  const [record] = it.records.list();
  assert.deepEqual([record!.id, record!.manifestDigest, record!.layers, record!.sizeBytes], [
    CONFIG,
    MANIFEST,
    [ONE, TWO],
    14,
  ]);
  assert.deepEqual(it.records.names(CONFIG), {
    tags: ["docker.io/library/alpine:3"],
    repoDigests: [`docker.io/library/alpine@${TOP}`],
  });
  assert.deepEqual([it.blobs, it.swept, it.reported], [[CONFIG, MANIFEST], [], ["pull alpine:3"]]);
});

Deno.test("an unchanged tag is up to date; a pull by digest adds no tag", async () => {
  using it = new Bench(image(ONE));
  it.present.add(ONE);
  const first = it.pull("alpine:3");
  await first.over;
  assert.deepEqual(first.said.slice(1, 2), [`${SHORT1}: Already exists`]);
  const second = it.pull("alpine:4");
  await second.over;
  assert.deepEqual(second.said, [
    "4: Pulling from library/alpine",
    `Digest: ${TOP}`,
    "Status: Downloaded newer image for alpine:4",
  ]);
  const third = it.pull("alpine:4");
  await third.over;
  assert.equal(third.said.at(-1), "Status: Image is up to date for alpine:4");
  const byDigest = it.pull(`r/other@${TOP}`);
  await byDigest.over;
  assert.deepEqual(it.records.names(CONFIG).tags, ["docker.io/library/alpine:3", "docker.io/library/alpine:4"]);
  assert.ok(it.records.names(CONFIG).repoDigests.includes(`docker.io/r/other@${TOP}`));
  assert.deepEqual(it.ingests, []);
});

Deno.test("the first failure cancels the other layers and is the reported one; a damaged image leaves nothing behind", async () => {
  using it = new Bench(image(ONE, TWO));
  const pulling = it.pull();
  await settle();
  it.ingests[1]!.reject(new TsdError("digest_mismatch", "Layer is damaged"));
  await assert.rejects(pulling.over, failsWith("digest_mismatch"));
  assert.equal(it.ingests[0]!.signal.aborted, true);
  assert.deepEqual([it.records.list(), it.swept, it.reported], [[], [[ONE, TWO]], []]);
  assert.equal(it.leases.has(ONE), false);
});

Deno.test("closing the stream cancels the pull; stored layers are kept for the next one", async () => {
  using it = new Bench(image(ONE));
  const messages = await it.puller.pull(parseReference("alpine"), undefined, { signal: NEVER });
  for await (const { status } of messages) if (status === "Pulling fs layer") break;
  assert.equal(it.ingests[0]!.signal.aborted, true);
  const left = new AbortController();
  const aborted = it.pull("alpine", left.signal);
  await settle();
  left.abort();
  await assert.rejects(aborted.over, failsWith("cancelled"));
  assert.deepEqual([it.records.list(), it.swept], [[], []]);
  assert.equal(it.leases.has(ONE), false);
});

Deno.test("two concurrent pulls fetch each layer once", async () => {
  using it = new Bench(image(ONE));
  const [first, second] = [it.pull("alpine:3"), it.pull("alpine:4")];
  await settle();
  assert.equal(it.ingests.length, 1);
  assert.equal(it.leases.has(ONE), true);
  it.ingests[0]!.resolve(infoOf(ONE));
  await Promise.all([first.over, second.over]);
  assert.equal(it.ingests.length, 1);
  assert.equal(it.leases.has(ONE), false);
  assert.deepEqual(it.records.names(CONFIG).tags, ["docker.io/library/alpine:3", "docker.io/library/alpine:4"]);
});

Deno.test("all tags of a repository are pulled, with one final status", async () => {
  using it = new Bench(image(digest("1")));
  const said: string[] = [];
  const asker = { signal: NEVER };
  for await (const { status } of await it.puller.pullAll(parseReference("alpine"), undefined, asker)) {
    said.push(`${status}`);
    it.ingests[0]?.resolve(infoOf(digest("1")));
    it.present.add(digest("1"));
  }
  assert.deepEqual(said.filter((status) => /^(Pulling from|Status)/.test(status)), [
    "Pulling from library/alpine",
    "Pulling from library/alpine",
    "Status: Downloaded newer image for alpine",
  ]);
  assert.deepEqual(it.records.get(CONFIG) && it.reported, ["pull alpine:1", "pull alpine:2"]);
});

Deno.test("a full disk: the remains of incomplete pulls are removed, once", async () => {
  using it = new Bench(image(ONE));
  it.room = 5;
  const pulling = it.pull();
  await settle();
  it.ingests[0]!.reject(new TsdError("storage_full", "No space left on device"));
  await settle();
  it.ingests[1]!.onResumed?.(12_300_000);
  it.ingests[1]!.reject(new TsdError("storage_full", "No space left on device"));
  await assert.rejects(pulling.over, failsWith("storage_full"));
  assert.ok(pulling.said.includes(`${SHORT1}: Resuming at 12.3MB`));
  it.room = 0;
  const again = it.pull();
  await settle();
  it.ingests[2]!.reject(new TsdError("storage_full", "No space left on device"));
  await assert.rejects(again.over, failsWith("storage_full"));
  assert.equal(it.ingests.length, 3);
});

Deno.test("stored layers are kept if the registry becomes unreachable, and removed if the disk is full", async () => {
  for (const [code, swept] of [["registry_unreachable", []], ["storage_full", [[ONE, TWO]]]] as const) {
    using it = new Bench(image(ONE, TWO));
    const pulling = it.pull();
    await settle();
    it.ingests[0]!.resolve(infoOf(ONE));
    it.ingests[1]!.reject(new TsdError(code, "for a test"));
    await assert.rejects(pulling.over, failsWith(code));
    assert.deepEqual(it.swept, swept);
  }
});

Deno.test("a plugin redirects a pull; the image is recorded under the requested name", async () => {
  const reported: unknown[] = [];
  using it = new Bench(image(ONE, TWO), {
    "registry.resolve": () => ({ reference: "mirror.lan/hub/alpine" }),
    "image.pulled": ({ reference, source, downloadedBytes }) => void reported.push(reference, source, downloadedBytes),
  });
  it.present.add(TWO);
  const pulling = it.pull();
  await settle();
  it.ingests[0]!.resolve(infoOf(ONE));
  await pulling.over;
  assert.deepEqual(it.requested, ["mirror.lan/hub/alpine:3", "layer of mirror.lan/hub/alpine"]);
  assert.equal(it.records.byTag("docker.io/library/alpine:3"), CONFIG);
  assert.deepEqual(reported, ["docker.io/library/alpine:3", "mirror.lan/hub/alpine:3", 100]);
});

Deno.test("an image that a plugin refuses is not recorded, and its layers are removed", async () => {
  using it = new Bench(image(ONE), { "image.verify": ({ layers }) => ({ refuse: `${layers.length} is too many` }) });
  const pulling = it.pull();
  await settle();
  it.ingests[0]!.resolve(infoOf(ONE));
  await assert.rejects(pulling.over, failsWith("permission_denied"));
  assert.deepEqual([it.records.list(), it.swept, it.reported], [[], [[ONE]], []]);
});
