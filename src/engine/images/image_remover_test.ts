import { strict as assert } from "node:assert";
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import { isTsdError } from "../../errors.ts";
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import { Database } from "../../store/database.ts";
import { ImageRecords } from "../../store/image_records.ts";
import type { Container } from "../model/container.ts";
import { fakeSink } from "../events/events_testing.ts";
import { ImageEvents } from "../events/image_events.ts";
import { ImageCatalog } from "./image_catalog.ts";
import { ImageRemover } from "./image_remover.ts";
import { LayerLeases } from "./layer_leases.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const IMAGE = digest("a");
const MANIFEST = digest("b");
const DIGEST = digest("e");
const [LOWER, UPPER] = [digest("1"), digest("2")];
const SHORT = "aaaaaaaaaaaa";
const CONFIG = new TextEncoder().encode(JSON.stringify({
  architecture: "amd64",
  os: "linux",
  config: { Labels: { team: "a" } },
  rootfs: { type: "layers", diff_ids: [LOWER, UPPER] },
}));

/** A store with one image of two layers and the given names (`r/a:1`, or `r/a` for the repository digest). */
class Store implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly leases = new LayerLeases();
  readonly removedBlobs: Digest[] = [];
  readonly removedLayers: Digest[] = [];
  /** Actions of the emitted events, with labels if any. */
  readonly reported: string[] = [];
  users: Pick<Container, "id" | "isActive">[] = [];
  readonly remover: ImageRemover;

  constructor(names: readonly string[]) {
    const image = { id: IMAGE, manifestDigest: MANIFEST, layers: [LOWER, UPPER], sizeBytes: 1, addedMs: 1 };
    this.records.put(image, {});
    for (const name of names) {
      const full = `docker.io/${name}`;
      if (name.includes(":")) this.records.tag(full, IMAGE);
      else this.records.put(image, { repoDigest: { name: full, digest: DIGEST } });
    }
    this.remover = new ImageRemover({
      catalog: new ImageCatalog(this.records, { get: () => Promise.resolve(CONFIG) } as unknown as BlobStore),
      records: this.records,
      blobs: { remove: (blob) => Promise.resolve(void this.removedBlobs.push(blob)) },
      layers: { remove: (layer) => Promise.resolve(void this.removedLayers.push(layer)) },
      leases: this.leases,
      containers: {
        ofImage: () => this.users as Container[],
        referencedLayers: () => new Set(this.users.length > 0 ? [LOWER, UPPER] : []),
      },
      events: new ImageEvents(fakeSink(({ action, actorId, attributes: { name, ...labels } }) => {
        assert.deepEqual([actorId, name], [IMAGE, IMAGE]);
        this.reported.push(JSON.stringify(labels) === "{}" ? action : `${action} ${JSON.stringify(labels)}`);
      })),
    });
  }

  /** The items that the removal returned, with short ids and digests. */
  async remove(name: string, force = false): Promise<string[]> {
    return await this.words(await this.remover.remove(name, { force }));
  }

  async words(items: readonly ImageDeleteItem[]): Promise<string[]> {
    const [lower, upper] = await chainIds([LOWER, UPPER]);
    const words: Record<string, string> = { [IMAGE]: "image", [lower]: "lower", [upper]: "upper" };
    return items.map(({ Untagged, Deleted }) =>
      Deleted === undefined ? `-${Untagged!.replace(`@${DIGEST}`, "@")}` : words[Deleted]!
    );
  }

  async refusal(name: string, force = false): Promise<string> {
    let text = "";
    await assert.rejects(this.remove(name, force), (thrown) => {
      text = isTsdError(thrown, "conflict") ? thrown.message : "";
      return text !== "";
    });
    return text;
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}

const ALL = ["image", "upper", "lower"];
const CASES: readonly (readonly [names: string[], given: string, force: boolean, removed: string[]])[] = [
  [["r/a:1", "r/a"], "r/a:1", false, ["-r/a:1", "-r/a@", ...ALL]],
  [["r/a:1", "r/a:2", "r/a"], "r/a:1", false, ["-r/a:1"]],
  [["r/a:1", "r/b:1", "r/a", "r/b"], "r/a:1", false, ["-r/a:1", "-r/a@"]],
  [["r/a:1", "r/b"], "r/a:1", false, ["-r/a:1"]],
  [["r/a:1", "r/a"], `r/a@${DIGEST}`, false, [`-r/a@`]],
  [["r/a"], `r/a@${DIGEST}`, false, ["-r/a@", ...ALL]],
  [["r/a:1", "r/a"], SHORT, false, ["-r/a:1", "-r/a@", ...ALL]],
  [["r/a:1", "r/b:1"], IMAGE, true, ["-r/a:1", "-r/b:1", ...ALL]],
  [[], SHORT, false, ALL],
];

Deno.test("names and images are removed by Docker's rules", async () => {
  for (const [names, given, force, removed] of CASES) {
    using store = new Store(names);
    assert.deepEqual(await store.remove(given, force), removed, `${given} of ${names}`);
    const isRemoved = removed.includes("image");
    assert.deepEqual(store.removedBlobs, isRemoved ? [IMAGE, MANIFEST] : []);
    assert.deepEqual(store.removedLayers, isRemoved ? [UPPER, LOWER] : []);
    assert.equal(store.records.get(IMAGE) === undefined, isRemoved);
  }
});

Deno.test("an id with names in several repositories needs force", async () => {
  for (const names of [["r/a:1", "r/b:1"], ["r/a:1", "r/a:2"], ["r/a:1", "r/a", "r/b"]]) {
    using store = new Store(names);
    const why = `conflict: unable to delete ${SHORT} (must be forced) - image is referenced in multiple repositories`;
    assert.equal(await store.refusal(SHORT), why);
    assert.equal(store.records.names(IMAGE).tags.length + store.records.names(IMAGE).repoDigests.length, names.length);
  }
});

Deno.test("a stopped container prevents an unforced removal of its image, and always keeps its layers", async () => {
  using store = new Store(["r/a:1", "r/a"]);
  store.users = [{ id: "c".repeat(64), isActive: false }];
  assert.equal(
    await store.refusal("r/a:1"),
    'conflict: unable to remove repository reference "r/a:1" (must force) - container cccccccccccc is using its ' +
      "referenced image aaaaaaaaaaaa",
  );
  assert.equal(
    await store.refusal(SHORT),
    "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being used by stopped container cccccccccccc",
  );
  assert.deepEqual(await store.remove("r/a:1", true), ["-r/a:1", "-r/a@", "image"]);
  assert.deepEqual(store.removedLayers, []);
});

Deno.test("a running container prevents even a forced removal of its image; a name can be removed", async () => {
  using store = new Store(["r/a:1", "r/a"]);
  store.users = [{ id: "d".repeat(64), isActive: false }, { id: "c".repeat(64), isActive: true }];
  assert.equal(
    await store.refusal(SHORT, true),
    "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by running container cccccccccccc",
  );
  assert.deepEqual(await store.remove("r/a:1", true), ["-r/a:1", "-r/a@"]);
  assert.deepEqual(store.records.names(IMAGE), { tags: [], repoDigests: [] });
  assert.notEqual(store.records.get(IMAGE), undefined);
});

Deno.test("discard removes an image with all its names, or nothing", async () => {
  const untag = 'untag {"team":"a"}';
  const cases: readonly (readonly [names: string[], removed: string[], reported: string[]])[] = [
    [[], [], ["delete"]],
    [["r/a"], ["-r/a@"], [untag, "delete"]],
    [["r/a:1", "r/a"], ["-r/a:1", "-r/a@"], [untag, "delete"]],
    [["r/a:1", "r/a:2", "r/a", "r/b"], ["-r/a:1", "-r/a:2", "-r/a@", "-r/b@"], [untag, untag, untag, "delete"]],
  ];
  for (const [names, removed, reported] of cases) {
    using store = new Store(names);
    assert.equal(await store.remover.discard(IMAGE, () => "needed"), "needed");
    assert.deepEqual([store.records.get(IMAGE) === undefined, store.reported], [false, []]);
    const discarded = await store.remover.discard(IMAGE, () => undefined);
    assert.ok(typeof discarded === "object");
    assert.deepEqual(await store.words(discarded.items), [...removed, ...ALL], names.join(" "));
    assert.deepEqual([discarded.layers, store.reported], [[UPPER, LOWER], reported]);
    assert.equal(await store.remover.discard(IMAGE, () => undefined), "it has gone already");
  }
});

Deno.test("layers that another image or a running pull needs stay", async () => {
  using store = new Store(["r/a:1"]);
  store.records.put({ id: digest("f"), manifestDigest: MANIFEST, layers: [LOWER], sizeBytes: 1, addedMs: 1 }, {});
  using _pulling = store.leases.hold([UPPER]);
  assert.deepEqual(await store.remove("r/a:1"), ["-r/a:1", "image"]);
});

Deno.test("an image that is pulled again during its removal keeps its blobs", async () => {
  using store = new Store(["r/a:1"]);
  const image = store.records.get(IMAGE)!;
  const pull = store.leases.exclusively(IMAGE, async () => {
    while (store.records.get(IMAGE) !== undefined) await Promise.resolve();
    store.records.put(image, { tag: "docker.io/r/a:1" });
  });
  await store.remove("r/a:1");
  await pull;
  assert.deepEqual([store.removedBlobs, store.removedLayers], [[], []]);
});

Deno.test("rmi: emits events for the removed name and the image, with labels while the image exists", async () => {
  const untag = 'untag {"team":"a"}';
  using named = new Store(["r/a:1", "r/a"]);
  await named.remove("r/a:1");
  assert.deepEqual(named.reported, [untag, "delete"]);
  using byId = new Store(["r/a:1", "r/a"]);
  await byId.remove(SHORT);
  assert.deepEqual(byId.reported, [untag, untag, "delete"]);
  using tagged = new Store(["r/a:1", "r/a:2", "r/a"]);
  await tagged.remove("r/a:1");
  assert.deepEqual(tagged.reported, [untag]);
});
