import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { digestOfHex } from "../image/digest.ts";
import { ContainerRecords } from "./container_records.ts";
import { Database } from "./database.ts";
import { ImageRecords } from "./image_records.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const image = (fill: string, layers = [digest("1"), digest("2")]) => ({
  id: digest(fill),
  manifestDigest: digest("f"),
  layers,
  sizeBytes: 5,
  addedMs: 7,
});

Deno.test("an image keeps the order of its layers and is found by every name", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  const name = "docker.io/library/busybox";
  images.put(image("a"), { tag: `${name}:1`, repoDigest: { name, digest: digest("e") } });
  assert.deepEqual(images.get(digest("a")), image("a"));
  assert.equal(images.byTag(`${name}:1`), digest("a"));
  assert.equal(images.byRepoDigest(name, digest("e")), digest("a"));
  assert.deepEqual(images.byIdPrefix("aaa"), [digest("a")]);
  assert.deepEqual(images.names(digest("a")), { tags: [`${name}:1`], repoDigests: [`${name}@${digest("e")}`] });
});

Deno.test("a tag moves to the newer image; the older one stays, untagged", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  images.put(image("a"), { tag: "x/y:1" });
  images.put(image("b"), { tag: "x/y:1" });
  assert.equal(images.byTag("x/y:1"), digest("b"));
  assert.deepEqual(images.names(digest("a")).tags, []);
});

Deno.test("the time of an explicit tag is recorded; a pull's tag doesn't count", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  images.put(image("a"), { tag: "x/y:1" });
  assert.equal(images.get(digest("a"))?.taggedMs, undefined);
  images.tagManually("x/y:2", digest("a"), 9);
  assert.equal(images.get(digest("a"))?.taggedMs, 9);
  assert.deepEqual(images.names(digest("a")).tags, ["x/y:1", "x/y:2"]);
});

Deno.test("an index's digest moves to the platform that was pulled last", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  const repoDigest = { name: "x/y", digest: digest("e") };
  images.put(image("a"), { repoDigest });
  images.put(image("b"), { repoDigest });
  assert.equal(images.byRepoDigest("x/y", digest("e")), digest("b"));
  assert.deepEqual(images.names(digest("a")).repoDigests, []);
});

Deno.test("a dropped name no longer resolves; the others stay", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  images.put(image("a"), { tag: "x/y:1", repoDigest: { name: "x/y", digest: digest("e") } });
  images.tag("x/y:2", digest("a"));
  images.dropName("x/y:1");
  assert.deepEqual(images.names(digest("a")), { tags: ["x/y:2"], repoDigests: [`x/y@${digest("e")}`] });
  images.dropName(`x/y@${digest("e")}`);
  assert.deepEqual(images.names(digest("a")), { tags: ["x/y:2"], repoDigests: [] });
});

Deno.test("removing an image releases the layers that only it referred to", () => {
  using db = Database.open(":memory:");
  const images = new ImageRecords(db);
  images.put(image("a", [digest("1"), digest("2")]), { tag: "x/y:1" });
  images.put(image("b", [digest("1"), digest("3")]), {});
  images.remove(digest("a"));
  assert.deepEqual(images.referencedLayers(), new Set([digest("1"), digest("3")]));
  assert.equal(images.byTag("x/y:1"), undefined);
});

Deno.test("a second container with the same name is rejected with Docker's text and the first one's id", () => {
  using db = Database.open(":memory:");
  const records = new ContainerRecords<{ a: number }, { status: string }>(db);
  const one = { id: "1", name: "web", createdMs: 1, imageId: "i", record: { a: 1 }, state: { status: "created" } };
  records.insert(one);
  assert.throws(
    () => records.insert({ ...one, id: "2" }),
    (thrown) =>
      isTsdError(thrown, "name_in_use") &&
      thrown.message.startsWith('Conflict. The container name "/web" is already in use by container "1".'),
  );
  records.saveState("1", { status: "exited" });
  assert.deepEqual(records.list(), [{ ...one, state: { status: "exited" } }]);
  records.remove("1");
  assert.deepEqual(records.list(), []);
});
