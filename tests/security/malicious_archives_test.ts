/**
 * Malicious archives (26 to 32 of the project's list), and the images of tests/pull as archives: refused with a status
 * below 500, or loaded without effect on the host; the engine keeps running, and nothing of them is left.
 */
import { strict as assert } from "node:assert";
import { Deadline } from "../harness/mod.ts";
import { untilNone } from "../engine/setup.ts";
import type { ApiResponse } from "../harness/mod.ts";
import {
  compressed,
  dockerArchive,
  file,
  hardLink,
  HOSTILE_IMAGES,
  type HostileImage,
  type Image,
  ImageBuilder,
  type ImageFiles,
  layoutArchive,
  manyEntries,
  readAll,
  symlink,
  tarChunks,
  type TarEntry,
} from "../images/mod.ts";
import { checkAlive, checkRun, type MaliciousSetup, startMaliciousSetup } from "../pull/malicious_setup.ts";
import { listedImages, storeChanges } from "../pull/setup.ts";
import { requires } from "../requires.ts";

type Archive = AsyncIterable<Uint8Array>;

const archive = (entries: Iterable<TarEntry>): Archive => ReadableStream.from(tarChunks(entries));
const load = ({ engine }: MaliciousSetup, body: Archive): Promise<ApiResponse> =>
  engine.api.request("POST", "/images/load", { body });

/** Expects one clear line with a client error status, and nothing left behind. */
async function refused(setup: MaliciousSetup, what: string, body: Archive, says: RegExp = /./): Promise<void> {
  const answer = await load(setup, body);
  const text = answer.text();
  assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${text.slice(0, 500)}`);
  const { message } = answer.json<{ message: string }>();
  assert.match(message, says, what);
  assert.doesNotMatch(message, /\n|\.[tj]s:\d|undefined|\[object/, what);
  await unchanged(setup, what);
}

async function unchanged(setup: MaliciousSetup, what: string): Promise<void> {
  assert.deepEqual(await setup.victim.changes(), [], what);
  assert.equal((await listedImages(setup.engine)).length, 1, what);
  await untilNone(() => storeChanges(setup.engine, setup.clean));
}

const REFERENCE = "hostile/archive:1";

/** Loads an archive; an accepted image with a malicious configuration is run. */
async function offer(setup: MaliciousSetup, hostile: HostileImage, body: Archive): Promise<void> {
  const answer = await load(setup, body);
  if (answer.status !== 200) {
    assert.notEqual(hostile.expect, "contained", `${hostile.name} was refused: ${answer.text()}`);
    assert.ok(answer.status >= 400 && answer.status < 500, `${hostile.name}: ${answer.status} ${answer.text()}`);
    return await unchanged(setup, hostile.name);
  }
  const [loaded] = answer.jsonLines<{ stream: string }>();
  assert.match(loaded!.stream, /^Loaded image( ID)?: /, hostile.name);
  if (hostile.kind === "config") {
    checkRun(hostile, await setup.engine.tsd(["run", "--rm", "--network", "none", REFERENCE, "true"]));
    await setup.engine.removeContainers();
  } else assert.notEqual(hostile.expect, "refused", `${hostile.name} was loaded`);
  const id = loaded!.stream.replace(/^Loaded image( ID)?: /, "").trim();
  assert.equal((await setup.engine.api.delete(`/images/${id}`)).status, 200, hostile.name);
  await unchanged(setup, hostile.name);
}

async function offerAll(setup: MaliciousSetup, kind: HostileImage["kind"]): Promise<void> {
  for (const hostile of HOSTILE_IMAGES) {
    if (hostile.kind !== kind || hostile.name.startsWith("bomb-")) continue;
    const built = await hostile.build(setup.victim);
    const isManifest = hostile.kind === "manifest";
    await offer(
      setup,
      hostile,
      isManifest ? layoutArchive(built as ImageFiles) : dockerArchive(built as Image, [REFERENCE]),
    );
  }
}

type Item = Readonly<Record<string, unknown>>;

/** Returns an archive of an honest image with a changed manifest and additional members. */
async function changed(change: (item: Item) => Item, more: readonly TarEntry[] = []): Promise<Archive> {
  const image = await new ImageBuilder().layer([file("own", "nobody else has it")]).build();
  const config = file("config.json", await readAll(image.config.open()));
  const layer = file("layer.tar", await readAll(image.layers[0]!.openTar()));
  const item = { Config: "config.json", RepoTags: [REFERENCE], Layers: ["layer.tar"] };
  return archive([config, layer, ...more, file("manifest.json", JSON.stringify([change(item)]))]);
}

/** 28: members, links and names that lead out of the archive. */
async function escapes(setup: MaliciousSetup): Promise<void> {
  const { victim } = setup;
  const secret = `${victim.dir}/secret`;
  const members: readonly (readonly [string, readonly TarEntry[]])[] = [
    ["dots", [file(victim.upwards("made"), "x")]],
    ["dots in the middle", [file(`a/${victim.upwards("made")}`, "x")]],
    ["absolute link", [symlink("out", victim.dir), file("out/made", "x")]],
    ["relative link", [symlink("out", victim.upwards("")), file("out/made", "x")]],
    ["link as a layer", [symlink("layer.tar", secret)]],
    ["hard link", [hardLink("layer.tar", victim.upwards("secret"))]],
  ];
  for (const [what, entries] of members) {
    await refused(setup, what, await changed((item) => item, entries), /leads out of it/);
  }
  const outside = /names a file outside of it/;
  const upwards = victim.upwards("secret");
  await refused(setup, "config", await changed((item) => ({ ...item, Config: upwards })), outside);
  await refused(setup, "layer", await changed((item) => ({ ...item, Layers: [upwards] })), outside);
  await refused(setup, "absolute layer", await changed((item) => ({ ...item, Layers: [secret] })), /neither in it nor/);
}

/** 29: JSON documents of other types, or unterminated ones. */
async function wrongTypes(setup: MaliciousSetup): Promise<void> {
  const deep = "[".repeat(200_000);
  for (
    const text of [
      "",
      "nope",
      "{}",
      "5",
      "[5]",
      '[{"Config":5}]',
      '[{"Config":"c","Layers":{}}]',
      deep,
      `[{"x":${deep}`,
    ]
  ) await refused(setup, text.slice(0, 40), archive([file("manifest.json", text)]));
  for (const text of ["{}", "[]", "null", '{"rootfs":5}', deep, '{"rootfs":{"diff_ids":["x"]}}']) {
    const item = JSON.stringify([{ Config: "c", Layers: ["l"] }]);
    await refused(
      setup,
      `config ${text.slice(0, 40)}`,
      archive([file("manifest.json", item), file("c", text), file("l")]),
    );
    await refused(setup, `index ${text.slice(0, 40)}`, archive([file("index.json", text)]));
  }
  await refused(setup, "no archive", ReadableStream.from([new TextEncoder().encode("not a tar ".repeat(1000))]));
  await refused(setup, "nothing", ReadableStream.from([]), /no manifest\.json/);
}

/** More members than an archive may have, and 1 GiB of zeros in 40 KiB. */
async function excesses(setup: MaliciousSetup): Promise<void> {
  await refused(setup, "many members", ReadableStream.from(manyEntries(110_000)), /more than 100000 members/);
  const zeros = new Uint8Array(1 << 20);
  const big = file("zeros", { sizeBytes: 1 << 30, chunks: () => Array<Uint8Array>(1024).fill(zeros) });
  await refused(setup, "bomb", compressed(tarChunks([big]), "zstd"), /over 1100 to 1/);
  const soon = new Deadline(5000);
  const manifest = { sizeBytes: 64 << 20, chunks: () => Array<Uint8Array>(64).fill(zeros) };
  await refused(setup, "64 MiB", archive([file("manifest.json", manifest)]), /manifest\.json has 67108864 bytes/);
  assert.ok(!soon.isOver, "it was refused at once");
}

/** A client that disconnects during an upload. */
async function leaves(setup: MaliciousSetup): Promise<void> {
  const connection = await Deno.connect({ transport: "unix", path: setup.engine.socketPath });
  const head = "POST /images/load HTTP/1.1\r\nHost: tsd\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n";
  await connection.write(new TextEncoder().encode(head));
  await connection.write(new Uint8Array(1000));
  await setup.engine.api.get("/_ping");
  connection.close();
  await unchanged(setup, "a client that left");
}

/** Returns the names in some directories of the host. */
const hostNames = (): string[] =>
  ["/", "/etc", "/root", "/usr", "/usr/bin", "/usr/local/bin", "/var", "/opt"].flatMap((dir) =>
    [...Deno.readDirSync(dir)].map(({ name }) => `${dir}/${name}`).sort()
  );

Deno.test({
  name: "malicious archives",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    const before = hostNames();
    await using setup = await startMaliciousSetup();
    await test.step("members, links and names that lead out", () => escapes(setup));
    await test.step("documents of wrong types, or unterminated", () => wrongTypes(setup));
    await test.step("invalid names", async () => {
      for (const name of ["../../UP:t", "", "a b:c", "x@y", "/etc/passwd:1", "a".repeat(300) + ":1"]) {
        const named = await changed((item) => ({ ...item, RepoTags: [name] }));
        await refused(setup, name, named, /invalid (reference|tag)|must not be more than|must be lowercase/);
      }
    });
    await test.step("too many members, too many bytes", () => excesses(setup));
    await test.step("a client that disconnects", () => leaves(setup));
    for (const kind of ["layers", "config", "manifest"] as const) {
      await test.step(`images with malicious ${kind}`, () => offerAll(setup, kind));
    }
    await test.step("an honest image works afterwards", async () => {
      assert.deepEqual(hostNames(), before);
      await checkAlive(setup);
    });
  },
});
