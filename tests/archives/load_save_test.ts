/**
 * `save` and `load` with tsd's client, the docker CLI and the raw API: loading a saved archive restores the same image.
 */
import { strict as assert } from "node:assert";
import type { ApiResponse } from "../harness/mod.ts";
import {
  busyboxBuilder,
  compressed,
  type Compression,
  dockerArchive,
  file,
  hostPlatform,
  type Image,
  ImageBuilder,
  indexOf,
  layoutArchive,
  readAll,
} from "../images/mod.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";

const id = (image: Image): string => image.config.digest;
const hexOf = (digest: string): string => digest.slice("sha256:".length);

/** Returns busybox with a second layer. */
const app = (text: string): Promise<Image> =>
  busyboxBuilder().layer([file("app", text)]).config({ Cmd: ["cat", "/app"], Labels: { team: "red" } }).build();

function load(fixture: Fixture, body: AsyncIterable<Uint8Array>, query = ""): Promise<ApiResponse> {
  return fixture.engine.api.request("POST", `/images/load${query}`, { body });
}

const streams = (answer: ApiResponse): (string | undefined)[] =>
  answer.jsonLines<{ stream?: string }>().map(({ stream }) => stream);

/** Removes images that the step has loaded, by name or ID. */
async function removed(fixture: Fixture, ...names: string[]): Promise<void> {
  for (const name of names) {
    assert.equal((await fixture.engine.api.delete(`/images/${name}?force=1`)).status, 200, name);
  }
}

interface ImageJson {
  readonly Id: string;
  readonly RepoTags: string[];
  readonly RootFS: { readonly Layers: string[] };
}

async function inspect(fixture: Fixture, name: string): Promise<ImageJson> {
  return (await fixture.engine.api.get(`/images/${name}/json`)).json<ImageJson>();
}

scenario("save and load", {
  "round trips through tsd and docker, files and pipes keep IDs, names and layers": async (fixture) => {
    const image = await app("there and back");
    expectResult(await loadFile(fixture, dockerArchive(image, ["me/app:1", "other:2"])), {
      stdout: "Loaded image: me/app:1\nLoaded image: other:2\n",
    });
    const before = await inspect(fixture, "me/app:1");
    assert.equal(before.Id, id(image));
    const script = `
      $tsd save -o tsd.tar me/app:1 other
      docker save me/app:1 other:2 >docker.tar
      cmp tsd.tar docker.tar
      $tsd rmi -f ${id(image)} >/dev/null
      docker load <tsd.tar
      $tsd rmi -f ${id(image)} >/dev/null
      gzip -c tsd.tar | $tsd load
      $tsd rmi -f ${id(image)} >/dev/null
      docker load -q -i docker.tar
      $tsd image save ${id(image)} | $tsd image load`;
    const names = "Loaded image: me/app:1\nLoaded image: other:2\n";
    expectResult(await fixture.shell(script), { stdout: `${names}${names}${names}Loaded image ID: ${id(image)}\n` });
    assert.deepEqual(await inspect(fixture, "me/app:1"), before);
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", "me/app:1"), { stdout: "there and back" });
    await removed(fixture, id(image));
  },
  "save writes an OCI layout with uncompressed layers and a manifest.json": async (fixture) => {
    const image = await app("written");
    await load(fixture, dockerArchive(image, ["written:1"]));
    const { stdout } = await fixture.shell(`$tsd save written:1 | tar -tf - | sort`);
    const blobs = [id(image), ...image.layers.map(({ diffId }) => diffId)].map((digest) =>
      `blobs/sha256/${hexOf(digest)}`
    );
    const listed = stdout.trimEnd().split("\n");
    for (
      const name of [...blobs, "blobs/", "blobs/sha256/", "index.json", "manifest.json", "oci-layout", "repositories"]
    ) {
      assert.ok(listed.includes(name), name);
    }
    assert.equal(listed.length, blobs.length + 7, "and the manifest");
    const member = (name: string) => fixture.shell(`$tsd save written:1 | tar -xOf - ${name}`);
    for (const name of blobs) {
      const { stdout } = await fixture.shell(`$tsd save written:1 | tar -xOf - ${name} | sha256sum`);
      assert.equal(stdout.split(" ")[0], name.slice("blobs/sha256/".length));
    }
    const [item] = JSON.parse((await member("manifest.json")).stdout);
    assert.deepEqual([item.Config, item.RepoTags, item.Layers], [blobs[0], ["written:1"], blobs.slice(1)]);
    await removed(fixture, "written:1");
  },
  "load accepts an OCI layout, compressed archives and compressed layers": async (fixture) => {
    for (const compression of ["gzip", "zstd", "none"] as const satisfies readonly Compression[]) {
      const image = await new ImageBuilder().layer([file("f", compression)], { compression }).build();
      const outer = compressed(layoutArchive(image, "host.test/layout:1"), compression);
      assert.deepEqual(streams(await load(fixture, outer)), ["Loaded image: host.test/layout:1\n"], compression);
      assert.equal((await inspect(fixture, "host.test/layout:1")).Id, id(image));
      await removed(fixture, "host.test/layout:1");
    }
    const image = await new ImageBuilder().layer([file("f", "untagged")]).build();
    assert.deepEqual(streams(await load(fixture, layoutArchive(image, "latest"))), [`Loaded image ID: ${id(image)}\n`]);
    await removed(fixture, id(image));
    const xz = await fixture.shell("printf x | xz | $tsd load 2>&1 || true");
    assert.match(xz.stdout, /^tsd: .*xz is not supported, only gzip, zstd and plain tar are\n$/);
  },
  "several platforms: the host's is loaded, or the requested one": async (fixture) => {
    const { architecture } = hostPlatform();
    const other = architecture === "arm64" ? "s390x" : "arm64";
    const [mine, others] = [
      await new ImageBuilder().layer([file("f", "mine")]).build(),
      await new ImageBuilder({ platform: { os: "linux", architecture: other } }).layer([file("f", "other")]).build(),
    ];
    const archive = () => layoutArchive(indexOf([others, mine]), "host.test/many:1");
    for (
      const [query, requested] of [["", mine], [`?platform={"os":"linux","architecture":"${other}"}`, others]] as const
    ) {
      assert.equal((await load(fixture, archive(), query)).status, 200);
      assert.equal((await inspect(fixture, "host.test/many:1")).Id, id(requested));
    }
    const path = `${fixture.dir}/many.tar`;
    await Deno.writeFile(path, ReadableStream.from(archive()));
    expectResult(await fixture.docker("load", "-i", path, "--platform", "linux/mips64le"), {
      code: 1,
      stderr: /no matching manifest for linux\/mips64le/,
    });
    const why = `no suitable export target found for platform linux/${architecture}`;
    const saved = ["save", "--platform", `linux/${architecture}`, "host.test/many:1"];
    expectResult(await fixture.docker(...saved), { code: 1, stderr: `Error response from daemon: ${why}\n` });
    expectResult(await fixture.tsd(...saved), { code: 1, stderr: `tsd: ${why}\n` });
    await removed(fixture, id(mine), id(others));
  },
  "load reports progress, moves a tag and emits events": async (fixture) => {
    const [first, second] = [await app("first"), await app("second")];
    await load(fixture, dockerArchive(first, ["moving:1"]));
    const since = Math.floor(Date.now() / 1000) - 1;
    const answer = await load(fixture, dockerArchive(second, ["moving:1"]), "?quiet=0");
    assert.equal(answer.headers["content-type"], "application/json");
    const messages = answer.jsonLines<{ status?: string; id?: string; stream?: string }>();
    const top = hexOf(second.layers[1]!.diffId).slice(0, 12);
    assert.ok(messages.some(({ status, id }) => status === "Loading layer" && id === top), answer.text());
    assert.ok(!messages.some(({ id }) => id === hexOf(second.layers[0]!.diffId).slice(0, 12)), "busybox is there");
    assert.deepEqual(messages.flatMap(({ stream }) => stream ?? []), [
      `The image moving:1 already exists, renaming the old one with ID ${id(first)} to empty string\n`,
      "Loaded image: moving:1\n",
    ]);
    await fixture.engine.api.get("/images/moving:1/get");
    const until = Math.floor(Date.now() / 1000) + 1;
    const events = await fixture.tsd(
      ...["events", "--since", `${since}`, "--until", `${until}`, "--filter", "type=image"],
      ...["--format", "{{.Action}} {{.Actor.ID}}"],
    );
    const said = events.stdout.trimEnd().split("\n").filter((line) => line.includes(id(second)));
    assert.deepEqual(said, [`load ${id(second)}`, `save ${id(second)}`]);
    await removed(fixture, id(first), id(second));
  },
  "a client that disconnects while it reads leaves no resources behind": async (fixture) => {
    const image = await busyboxBuilder().layer([file("big", new Uint8Array(32 << 20))]).build();
    await load(fixture, dockerArchive(image, ["big:1"]));
    {
      using stream = await fixture.engine.api.stream("GET", "/images/big:1/get");
      for await (const _ of stream.chunks()) break;
    }
    await removed(fixture, "big:1");
    const layer = `${fixture.engine.layerRoot}/layers/${hexOf(image.layers[1]!.diffId)}`;
    await fixture.until("its layer to go", () => Deno.stat(layer).then(() => false, () => true));
  },
  "missing images and files are reported": async (fixture) => {
    const absent = "No such image: absent";
    expectResult(await fixture.docker("save", "absent"), {
      code: 1,
      stderr: `Error response from daemon: ${absent}\n`,
    });
    expectResult(await fixture.tsd("save", "absent"), { code: 1, stderr: `tsd: ${absent}\n` });
    expectResult(await fixture.tsd("save", "-o", `${fixture.dir}/absent.tar`, "absent"), { code: 1, stderr: /./ });
    await assert.rejects(Deno.stat(`${fixture.dir}/absent.tar`), Deno.errors.NotFound);
    assert.equal((await fixture.engine.api.get("/images/get")).status, 400);
    expectResult(await fixture.shell("$tsd load -i /no/such/file 2>&1 || true"), {
      stdout: "open /no/such/file: no such file or directory\n",
    });
    expectResult(await fixture.shell("$tsd load </dev/null 2>&1 || true"), { stdout: /no manifest\.json/ });
  },
});

/** Runs `tsd load -i` with the given bytes. */
async function loadFile(fixture: Fixture, archive: AsyncIterable<Uint8Array>) {
  await Deno.writeFile(`${fixture.dir}/given.tar`, await readAll(archive));
  return await fixture.tsd("load", "-i", `${fixture.dir}/given.tar`);
}
