import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { ImageRecord } from "../../store/image_records.ts";
import { Fsck } from "./fsck.ts";
import { LayerLeases } from "./layer_leases.ts";

const digest = (letter: string): Digest => digestOfHex(letter.repeat(64));
const image = (id: string, manifest: string, ...layers: string[]): ImageRecord => ({
  ...{ id: digest(id), manifestDigest: digest(manifest), layers: layers.map(digest), sizeBytes: 0, addedMs: 0 },
});
const ONE = image("a", "1", "c", "d");
const OTHER = image("b", "2", "c", "e");
const TAGS = new Map([[ONE.id, "docker.io/library/one:1"]]);
const NEVER = new AbortController().signal;

/** Two images that share a layer; one of them has no name. */
function bench(broken: Record<string, TsdError> = {}) {
  const leases = new LayerLeases();
  const swept: Digest[] = [];
  const read: string[] = [];
  const images = [ONE, OTHER];
  const look = (requested: Digest) => {
    const letter = requested.at(-1)!;
    read.push(`${letter}${leases.has(requested) ? " held" : ""}`);
    return letter in broken ? Promise.reject(broken[letter]) : Promise.resolve(new Uint8Array());
  };
  const check = new Fsck({
    leases,
    catalog: { find: (name) => name === "one" ? { id: ONE.id } : raise(new TsdError("image_not_found", name)) },
    records: {
      list: () => images,
      names: (id) => ({ tags: TAGS.has(id) ? [TAGS.get(id)!] : [], repoDigests: [] }),
    },
    blobs: { get: look },
    pool: { verify: async (diffId) => void await look(diffId) },
    sweepLayers: (diffIds) => Promise.resolve(void swept.push(...diffIds)),
  });
  return { check, leases, swept, read, images };
}

Deno.test("each part of all images is read once, and layers are leased during the check", async () => {
  const { check, leases, swept, read } = bench();
  const parts = await Array.fromAsync(check.check([], NEVER));
  assert.deepEqual(read, ["a", "b", "1", "2", "c held", "d held", "e held"]);
  assert.deepEqual(parts[4], { kind: "layer", digest: digest("c"), images: ["one:1", OTHER.id] });
  assert.deepEqual(parts.filter(({ problem }) => problem !== undefined), []);
  assert.deepEqual([leases.held(), swept], [[], [digest("c"), digest("d"), digest("e")]]);
});

Deno.test("a named image limits the check to its parts; a damaged part names all images that use it", async () => {
  const { check, read } = bench({
    c: new TsdError("digest_mismatch", "it is another one"),
    1: new TsdError("not_found", "it is gone"),
  });
  const parts = await Array.fromAsync(check.check(["one"], NEVER));
  assert.deepEqual(read, ["a", "1", "c held", "d held"]);
  assert.deepEqual(parts.filter(({ problem }) => problem !== undefined), [
    { kind: "manifest", digest: digest("1"), images: ["one:1"], problem: "it is gone" },
    { kind: "layer", digest: digest("c"), images: ["one:1", OTHER.id], problem: "it is another one" },
  ]);
});

Deno.test("an unknown name is rejected at once; an unrelated error ends the check", async () => {
  assert.throws(() => bench().check.check(["one", "nosuch"], NEVER), { code: "image_not_found" });
  const { check, leases } = bench({ d: new TsdError("internal", "the Worker failed") });
  await assert.rejects(Array.fromAsync(check.check([], NEVER)), { code: "internal" });
  assert.deepEqual(leases.held(), []);
  await assert.rejects(Array.fromAsync(bench().check.check([], AbortSignal.abort())), { code: "cancelled" });
});

Deno.test("an unreadable part is not reported as damaged", async () => {
  const { check } = bench({
    a: new TsdError("storage", "too many open files"),
    c: new TsdError("storage_full", "no room to look"),
  });
  const parts = await Array.fromAsync(check.check(["one"], NEVER));
  assert.deepEqual(parts.map(({ problem, unread }) => problem ?? unread), [
    "too many open files",
    undefined,
    "no room to look",
    undefined,
  ]);
  assert.ok(parts.every(({ problem }) => problem === undefined));
});

Deno.test("parts of an image removed during the check are not reported, unless another image uses them", async () => {
  const removed = new TsdError("not_found", "it is gone");
  const { check, images } = bench({ 1: removed, c: removed, d: removed });
  const parts: string[] = [];
  for await (const { digest, problem } of check.check([], NEVER)) {
    images.splice(0, images.length, OTHER);
    parts.push(`${digest.at(-1)}${problem === undefined ? "" : " damaged"}`);
  }
  assert.deepEqual(parts, ["a", "b", "2", "c damaged", "e"]);
});

Deno.test("the signal is passed on to the layer verification", async () => {
  const cancel = new AbortController();
  const { signal } = cancel;
  const check = new Fsck({
    leases: new LayerLeases(),
    catalog: { find: () => ({ id: ONE.id }) },
    records: { list: () => [ONE], names: () => ({ tags: [], repoDigests: [] }) },
    blobs: { get: () => Promise.resolve(new Uint8Array()) },
    pool: {
      verify: (_, given) =>
        new Promise((_, reject) => {
          given!.addEventListener("abort", () => reject(new TsdError("cancelled", "as was asked")));
          cancel.abort();
        }),
    },
    sweepLayers: () => Promise.resolve(),
  });
  await assert.rejects(Array.fromAsync(check.check([], signal)), { code: "cancelled", message: "as was asked" });
});

function raise(error: Error): never {
  throw error;
}
