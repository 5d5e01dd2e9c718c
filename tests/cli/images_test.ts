import { strict as assert } from "node:assert";
import { chainId } from "../../src/image/chain_id.ts";
import { parseDigest } from "../../src/image/digest.ts";
import {
  busyboxBuilder,
  busyboxImage,
  CREATED,
  file,
  hostPlatform,
  type Image,
  indexOf,
  pushImage,
} from "../images/mod.ts";
import { expectResult, type Fixture, scenario } from "./setup.ts";

/** Returns busybox with a second layer that holds one file. */
function appImage(text: string, created = CREATED): Promise<Image> {
  const labels = { team: "red", tier: "web" };
  return busyboxBuilder({ created }).layer([file("app", text)]).config({ Cmd: ["cat", "/app"], Labels: labels })
    .build();
}

const shortHex = (digest: string): string => digest.slice("sha256:".length, "sha256:".length + 12);

/** Returns the lines that a pull prints, with the layers' lines (they come in any order) sorted. */
function lines(stdout: string): string[] {
  const all = stdout.trimEnd().split("\n");
  return [...all.filter((line) => !/^\w{12}: /.test(line)), ...all.filter((line) => /^\w{12}: /.test(line)).sort()];
}

async function listed(fixture: Fixture, ...args: string[]): Promise<string[][]> {
  const { code, stdout, stderr } = await fixture.tsd("images", ...args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
}

scenario("tsd pull", {
  "complete output for a new image, an existing layer, an up-to-date image and -q": async (fixture) => {
    const { host, url } = fixture.registry;
    const image = await appImage("1");
    await pushImage(url, "team/app", "1.2", image);
    const [base, top] = image.layers.map((layer) => shortHex(layer.blob.digest));
    const pulled = await fixture.tsd("pull", `${host}/team/app:1.2`);
    assert.deepEqual([pulled.code, pulled.stderr], [0, ""]);
    assert.deepEqual(
      lines(pulled.stdout),
      lines(
        `1.2: Pulling from team/app\nDigest: ${image.top.digest}\n` +
          `Status: Downloaded newer image for ${host}/team/app:1.2\n${host}/team/app:1.2\n` +
          `${base}: Already exists\n${top}: Download complete\n${top}: Pull complete\n${top}: Pulling fs layer\n` +
          `${top}: Verifying Checksum\n`,
      ),
    );
    assert.match(
      pulled.stdout,
      new RegExp(
        `${top}: Pulling fs layer\n(.*\n)*${top}: Verifying Checksum\n${top}: Download complete\n${top}: Pull complete\n`,
      ),
    );
    expectResult(await fixture.tsd("pull", `${host}/team/app:1.2`), {
      stdout: `1.2: Pulling from team/app\nDigest: ${image.top.digest}\n` +
        `Status: Image is up to date for ${host}/team/app:1.2\n${host}/team/app:1.2\n`,
    });
    expectResult(await fixture.tsd("pull", "-q", `${host}/team/app:1.2`), { stdout: `${host}/team/app:1.2\n` });
  },
  "without a tag, latest is pulled and reported": async (fixture) => {
    const { host, url } = fixture.registry;
    await pushImage(url, "untagged", "latest", await appImage("2"));
    expectResult(await fixture.tsd("pull", `${host}/untagged`), {
      stdout:
        /^Using default tag: latest\nlatest: Pulling from untagged\n[^]*\nDigest: sha256:\w{64}\nStatus: Downloaded newer image for \S+\/untagged:latest\n127\.0\.0\.1:\d+\/untagged:latest\n$/,
    });
  },
  "a pull by digest creates no tag, and the image runs by its digest": async (fixture) => {
    const { host, url } = fixture.registry;
    const image = await appImage("by digest");
    await pushImage(url, "pinned", "1", image);
    const name = `${host}/pinned@${image.top.digest}`;
    expectResult(await fixture.tsd("pull", "-q", name), { stdout: `${name}\n` });
    const [found] = JSON.parse((await fixture.tsd("inspect", name)).stdout);
    assert.deepEqual([found.RepoTags, found.RepoDigests], [[], [name]]);
    const row = (await listed(fixture, "--digests")).find((cells) => cells[0] === `${host}/pinned`);
    assert.deepEqual(row?.slice(0, 3), [`${host}/pinned`, "<none>", image.top.digest]);
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", name), { stdout: "by digest" });
    expectResult(await fixture.tsd("rmi", name), {
      stdout: new RegExp(`^Untagged: ${name}\nDeleted: ${image.config.digest}\n`),
    });
  },
  "a tag that moved: the old image loses its name": async (fixture) => {
    const { host, url } = fixture.registry;
    const [before, after] = [await appImage("before"), await appImage("after")];
    await pushImage(url, "moving", "1", before);
    expectResult(await fixture.tsd("pull", "-q", `${host}/moving:1`), { stdout: /./ });
    await pushImage(url, "moving", "1", after);
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", `${host}/moving:1`), { stdout: "before" });
    expectResult(await fixture.tsd("pull", `${host}/moving:1`), { stdout: /\nStatus: Downloaded newer image for / });
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", `${host}/moving:1`), { stdout: "after" });
    const dangling = await fixture.tsd("images", "-q", "--no-trunc", "--filter", "dangling=true");
    expectResult(dangling, { stdout: `${before.config.digest}\n` });
    expectResult(await fixture.tsd("rmi", before.config.digest.slice(7, 19)), { stdout: /Deleted: sha256:/ });
  },
  "from an index, the host's platform is pulled, or the requested one": async (fixture) => {
    const { host, url } = fixture.registry;
    const { architecture } = hostPlatform();
    const other = architecture === "arm64" ? "amd64" : "arm64";
    const [own, external] = [
      await busyboxImage({ config: { Labels: { platform: "own" } } }),
      await busyboxImage({
        platform: { os: "linux", architecture: other },
        config: { Labels: { platform: "foreign" } },
      }),
    ];
    await pushImage(url, "multi", "1", indexOf([external, own]));
    expectResult(await fixture.tsd("pull", "-q", `${host}/multi:1`), { stdout: `${host}/multi:1\n` });
    const platform = async () => JSON.parse((await fixture.tsd("inspect", `${host}/multi:1`)).stdout)[0].Config.Labels;
    assert.deepEqual(await platform(), { platform: "own" });
    expectResult(await fixture.tsd("pull", "-q", "--platform", `linux/${other}`, `${host}/multi:1`), { stdout: /./ });
    assert.deepEqual(await platform(), { platform: "foreign" });
    expectResult(await fixture.tsd("pull", "--platform", "linux/s390x", `${host}/multi:1`), {
      code: 1,
      stderr: "tsd: no matching manifest for linux/s390x in the manifest list entries\n",
    });
  },
  "ten concurrent pulls of the same image": async (fixture) => {
    const { host, url } = fixture.registry;
    await pushImage(url, "busy", "1", await appImage("busy"));
    const all = await Promise.all(Array.from({ length: 10 }, () => fixture.tsd("pull", "-q", `${host}/busy:1`)));
    for (const result of all) expectResult(result, { stdout: `${host}/busy:1\n` });
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", `${host}/busy:1`), { stdout: "busy" });
  },
});

scenario("tsd images and rmi", {
  "images: columns, a repository, filters, quiet, digests": async (fixture) => {
    const { host, url } = fixture.registry;
    const image = await appImage("listed", "2025-01-01T00:00:00Z");
    for (const tag of ["1", "2"]) {
      await pushImage(url, "app", tag, image);
      expectResult(await fixture.tsd("pull", "-q", `${host}/app:${tag}`), { stdout: /./ });
    }
    const table = await listed(fixture);
    assert.deepEqual(table[0], ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
    const id = shortHex(image.config.digest);
    const rows = table.slice(1).map(([repository, tag, imageId]) => [repository, tag, imageId]);
    assert.deepEqual(rows.slice(0, 2).sort(), [[`${host}/app`, "1", id], [`${host}/app`, "2", id]]);
    assert.deepEqual(rows[2]?.slice(0, 2), [fixture.image, "latest"]);
    assert.match(table[1]?.[4] ?? "", /^\d\.\d+MB$/);
    assert.equal((await listed(fixture, `${host}/app`)).length, 3);
    assert.equal((await listed(fixture, `${host}/app:2`)).length, 2);
    assert.equal((await listed(fixture, "absent")).length, 1);
    expectResult(await fixture.tsd("images", "-q", `${host}/app:1`), { stdout: `${id}\n${id}\n`.slice(13) });
    expectResult(await fixture.tsd("images", "-q", "--no-trunc", `${host}/app:1`), {
      stdout: `${image.config.digest}\n`,
    });
    assert.equal((await listed(fixture, "--filter", "label=team=red")).length, 3);
    assert.equal((await listed(fixture, "--filter", "label=team=red", "--filter", "label=tier=db")).length, 1);
    assert.equal((await listed(fixture, "--filter", `reference=${host}/*:2`)).length, 2);
    assert.equal((await listed(fixture, "--filter", `before=${host}/app:1`)).length, 2);
    assert.equal((await listed(fixture, "--filter", `since=${fixture.image}`)).length, 3);
    assert.equal((await listed(fixture, "--filter", "until=2024-06-01Z")).length, 2);
    assert.equal((await listed(fixture, "--filter", "dangling=true")).length, 1);
    const digests = await listed(fixture, "--digests", `${host}/app`);
    assert.deepEqual(digests[0]?.slice(0, 4), ["REPOSITORY", "TAG", "DIGEST", "IMAGE ID"]);
    assert.equal(digests[1]?.[2], image.top.digest);
    expectResult(await fixture.tsd("images", "--filter", "nonsense=1"), {
      code: 1,
      stderr: "tsd: invalid filter 'nonsense'\n",
    });
  },
  "rmi: one of several names, then the last; a shared layer stays": async (fixture) => {
    const { host } = fixture.registry;
    const [{ Id, RootFS, RepoDigests }] = JSON.parse((await fixture.tsd("inspect", `${host}/app:1`)).stdout);
    const topChain = await chainId(RootFS.Layers.map(parseDigest));
    expectResult(await fixture.tsd("rmi", `${host}/app:1`), { stdout: `Untagged: ${host}/app:1\n` });
    expectResult(await fixture.tsd("rmi", `${host}/app:1`), { code: 1, stderr: `tsd: No such image: ${host}/app:1\n` });
    expectResult(await fixture.tsd("rmi", `${host}/app:2`), {
      stdout: `Untagged: ${host}/app:2\nUntagged: ${RepoDigests[0]}\nDeleted: ${Id}\nDeleted: ${topChain}\n`,
    });
    expectResult(await fixture.run(["echo", "alive"]), { stdout: "alive\n" });
  },
  "rmi: an ID with several names needs force; remaining targets are still processed": async (fixture) => {
    const { host, url } = fixture.registry;
    const image = await appImage("again");
    const id = shortHex(image.config.digest);
    for (const tag of ["3", "4"]) {
      await pushImage(url, "app", tag, image);
      expectResult(await fixture.tsd("pull", "-q", `${host}/app:${tag}`), { stdout: /./ });
    }
    expectResult(await fixture.tsd("rmi", id), {
      code: 1,
      stderr: `tsd: conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories\n`,
    });
    expectResult(await fixture.tsd("rmi", "absent", "-f", id, "absent:2"), {
      stdout: new RegExp(
        `^Untagged: \\S+:3\nUntagged: \\S+:4\nUntagged: \\S+@sha256:\\w{64}\nDeleted: ${image.config.digest}\n`,
      ),
      stderr: "tsd: No such image: absent:latest\ntsd: No such image: absent:2\n",
    });
  },
  "tag: adds a name, moves it, emits events, and records the time": async (fixture) => {
    const { host } = fixture.registry;
    const since = (Date.now() / 1000).toFixed(3);
    expectResult(await fixture.tsd("tag", fixture.image, "me/box:1"), {});
    expectResult(await fixture.tsd("image", "tag", "me/box:1", "box"), {});
    assert.equal((await listed(fixture, "--filter", "reference=*box*")).length, 2);
    const [{ Id, RepoTags, Metadata }] = JSON.parse((await fixture.tsd("inspect", "box")).stdout);
    assert.deepEqual(RepoTags, [`${host}/busybox:latest`, "box:latest", "me/box:1"]);
    assert.ok(Math.abs(Date.parse(Metadata.LastTagTime) - Date.now()) < 60_000, Metadata.LastTagTime);
    const other = await appImage("tagged");
    await pushImage(fixture.registry.url, "other", "1", other);
    expectResult(await fixture.tsd("pull", "-q", `${host}/other:1`), { stdout: /./ });
    expectResult(await fixture.tsd("tag", other.config.digest.slice(7, 19), "box:latest"), {});
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", "box"), { stdout: "tagged" });
    expectResult(await fixture.tsd("rmi", "me/box:1"), { stdout: "Untagged: me/box:1\n" });
    const reported = await fixture.tsd(
      "events",
      "--since",
      since,
      "--until",
      (Date.now() / 1000).toFixed(3),
      "-f",
      "type=image",
    );
    const lines = reported.stdout.trimEnd().split("\n").map((line) =>
      line.replace(/^\S+ image (\w+) (\S+) .*name=([^,)]+).*$/, "$1 $2 $3")
    );
    assert.deepEqual(lines.filter((line) => / sha256:/.test(line)), [
      `tag ${Id} me/box:1`,
      `tag ${Id} box:latest`,
      `tag ${other.config.digest} box:latest`,
      `untag ${Id} ${Id}`,
    ]);
    expectResult(await fixture.tsd("rmi", "box", `${host}/other:1`), {
      stdout: /^Untagged: box:latest\n[^]*\nDeleted: /,
    });
    expectResult(await fixture.tsd("tag", "absent", "x"), { code: 1, stderr: "tsd: No such image: absent:latest\n" });
    expectResult(await fixture.tsd("tag", fixture.image, "UPPER"), {
      code: 1,
      stderr: /^Error parsing reference: "UPPER" is not a valid repository\/tag: invalid reference format: /,
    });
  },
  "an image of another platform": async (fixture) => {
    const { architecture } = hostPlatform();
    const [own, other] = [`linux/${architecture}`, architecture === "arm64" ? "linux/s390x" : "linux/arm64"];
    const refused = {
      code: 1,
      stderr: new RegExp(`^tsd: image with reference ${fixture.image} was found but its platform \\(${own}\\S*\\) `),
    };
    expectResult(await fixture.tsd("history", "--platform", other, fixture.image), refused);
    expectResult(await fixture.tsd("rmi", "--platform", other, fixture.image), refused);
    expectResult(await fixture.tsd("image", "inspect", "--platform", other, fixture.image), {
      ...refused,
      stdout: "[]\n",
    });
    expectResult(await fixture.tsd("image", "inspect", "-f", "{{.Os}}", "--platform", own, fixture.image), {
      stdout: "linux\n",
    });
  },
  "history: the size of each step": async (fixture) => {
    const rows = (await fixture.tsd("history", "--format", "{{.Size}}|{{.CreatedBy}}", fixture.image)).stdout;
    assert.match(rows, /^\d+(\.\d+)?MB\|layer 0\n$/);
    const bytes = await fixture.tsd("history", "-H=false", "--format", "{{.Size}}", fixture.image);
    const [{ Size }] = JSON.parse((await fixture.tsd("inspect", fixture.image)).stdout);
    assert.equal(Number(bytes.stdout), Size);
  },
  "rm of an image and rmi of a container name the right command": async (fixture) => {
    expectResult(await fixture.tsd("rm", fixture.image), {
      code: 1,
      stderr: `tsd: No such container: ${fixture.image} (there is an image of that name: ` +
        `'tsd rmi ${fixture.image}' removes it)\n`,
    });
    await fixture.background("web");
    expectResult(await fixture.tsd("rmi", "web"), {
      code: 1,
      stderr: "tsd: No such image: web:latest (there is a container of that name: 'tsd rm web' removes it)\n",
    });
    await fixture.remove("web");
  },
  "image inspect": async (fixture) => {
    const result = await fixture.tsd("image", "inspect", fixture.image);
    expectResult(result, { stdout: /^\[\n/ });
    const [image] = JSON.parse(result.stdout);
    assert.deepEqual(image.RepoTags, [`${fixture.image}:latest`]);
    assert.deepEqual([image.Os, image.Architecture], ["linux", hostPlatform().architecture]);
    assert.deepEqual([image.Config.Cmd, image.RootFS.Layers.length, image.Created], [
      ["sh"],
      1,
      "2024-01-01T00:00:00Z",
    ]);
    expectResult(await fixture.tsd("image", "inspect", "absent"), {
      ...{ code: 1, stdout: "[]\n", stderr: "tsd: No such image: absent:latest\n" },
    });
  },
});
