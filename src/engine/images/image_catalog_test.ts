import { strict as assert } from "node:assert";
import { isTsdError, TsdError } from "../../errors.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { LineLog } from "../../log.ts";
import { Database } from "../../store/database.ts";
import { ImageRecords } from "../../store/image_records.ts";
import { ImageCatalog } from "./image_catalog.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const CONFIG = new TextEncoder().encode(
  '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}',
);
const [A, B, TOP] = [digest("a"), digest("b"), digest("e")];

/** A catalog of two images: `alpine:3` and `r/b` (by digest, and as `r/b:1`). The config of `broken` can't be read. */
class Shelf implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly logged: string[] = [];
  readonly catalog: ImageCatalog;

  constructor(broken?: Digest) {
    const image = (id: Digest, addedMs: number) => ({ id, manifestDigest: id, layers: [], sizeBytes: 1, addedMs });
    this.records.put(image(A, 1), { tag: "docker.io/library/alpine:3" });
    this.records.put(image(B, 2), { tag: "docker.io/r/b:1", repoDigest: { name: "docker.io/r/b", digest: TOP } });
    const get = (id: Digest) =>
      id === broken ? Promise.reject(new TsdError("digest_mismatch", "Cannot read blob")) : Promise.resolve(CONFIG);
    this.catalog = new ImageCatalog(this.records, { get }, new LineLog((line) => this.logged.push(line)));
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}

Deno.test("an image is found by tag, digest, id and prefix, with the name that matched", () => {
  using shelf = new Shelf();
  const find = (name: string) => {
    const { id, name: found } = shelf.catalog.find(name);
    return [id, found?.full];
  };
  assert.deepEqual(find("alpine:3"), [A, "docker.io/library/alpine:3"]);
  assert.deepEqual(find("docker.io/library/alpine:3"), [A, "docker.io/library/alpine:3"]);
  assert.deepEqual(find("r/b:1"), [B, "docker.io/r/b:1"]);
  assert.deepEqual(find(`r/b@${TOP}`), [B, `docker.io/r/b@${TOP}`]);
  assert.deepEqual(find(`r/b:other@${TOP}`), [B, `docker.io/r/b@${TOP}`], "a tag beside a digest doesn't count");
  for (const name of [A, A.slice(7), "aaaa", `sha256:${"a".repeat(12)}`]) assert.deepEqual(find(name), [A, undefined]);
});

Deno.test("unknown names are reported with Docker's texts", () => {
  using shelf = new Shelf();
  for (const [name, shown] of [["alpine", "alpine:latest"], ["r/b:2", "r/b:2"], ["cccccccccccc", "cccccccccccc"]]) {
    assert.throws(
      () => shelf.catalog.find(name!),
      (thrown) => isTsdError(thrown, "image_not_found") && thrown.message === `No such image: ${shown}`,
    );
  }
});

Deno.test("an image with a damaged config is logged and does not hide other images", async () => {
  using shelf = new Shelf(A);
  assert.deepEqual((await shelf.catalog.list()).map(({ record }) => record.id), [B]);
  assert.match(
    shelf.logged.join("\n"),
    /^\S+ warn images: an image is not listed names=alpine:3 why="Cannot use image/,
  );
  await assert.rejects(
    shelf.catalog.resolve("alpine:3"),
    (thrown) =>
      isTsdError(thrown, "storage") &&
      thrown.message === "Cannot use image alpine:3: its config is damaged or missing; pull it again",
  );
  assert.equal(shelf.catalog.find("alpine:3").id, A, "it can be removed");
});
