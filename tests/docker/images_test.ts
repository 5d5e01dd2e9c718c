/** Image names, with the real docker CLI and the raw API. */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { busyboxBuilder, busyboxImage, file, hostPlatform, indexOf, pushImage } from "../images/mod.ts";

interface Row {
  readonly Id: string;
  readonly RepoTags: string[];
  readonly RepoDigests: string[];
  readonly Size: number;
  readonly SharedSize: number;
  readonly VirtualSize?: number;
}

scenario("docker: image names", {
  "tag, images, rmi": async (fixture) => {
    expectResult(await fixture.docker("tag", fixture.image, "me/box:1"), {});
    expectResult(await fixture.docker("image", "tag", "me/box:1", "box"), {});
    const rows = await fixture.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=*/box");
    expectResult(rows, { stdout: "me/box:1\n" });
    expectResult(await fixture.docker("run", "--rm", "--network", "none", "box", "echo", "hi"), { stdout: "hi\n" });
    expectResult(await fixture.docker("rmi", "box", "me/box:1"), {
      stdout: "Untagged: box:latest\nUntagged: me/box:1\n",
    });
    expectResult(await fixture.docker("tag", "absent", "x"), {
      code: 1,
      stderr: "Error response from daemon: No such image: absent:latest\n",
    });
  },
  "history, inspect and rmi with a platform": async (fixture) => {
    const { architecture } = hostPlatform();
    const other = `linux/${architecture === "arm64" ? "s390x" : "arm64"}`;
    const why = /^Error response from daemon: image with reference \S+ was found but its platform \(linux\/\w+\S*\) /;
    expectResult(await fixture.docker("history", "-q", "--platform", other, fixture.image), { code: 1, stderr: why });
    expectResult(await fixture.docker("rmi", "--platform", other, fixture.image), { code: 1, stderr: why });
    expectResult(await fixture.docker("history", "-q", "--platform", `linux/${architecture}`, fixture.image), {
      stdout: /^[0-9a-f]{12}\n$/,
    });
  },
  "pulling a second platform of a name creates a second image and moves the name": async (fixture) => {
    const { host, url } = fixture.registry;
    const { architecture } = hostPlatform();
    const external = await busyboxImage({ platform: { os: "linux", architecture: "s390x" } });
    const own = await busyboxBuilder().layer([file("own", "1")]).build();
    await pushImage(url, "both", "1", indexOf([external, own]));
    for (const platform of ["linux/s390x", `linux/${architecture}`]) {
      expectResult(await fixture.docker("pull", "-q", "--platform", platform, `${host}/both:1`), { stdout: /./ });
    }
    const listed = (await fixture.engine.api.get("/images/json?shared-size=1")).json<Row[]>();
    const [named, nameless] = [own, external].map(({ config }) => listed.find(({ Id }) => Id === config.digest)!);
    assert.deepEqual([named.RepoTags, named.RepoDigests.length], [[`${host}/both:1`], 1]);
    assert.deepEqual([nameless.RepoTags, nameless.RepoDigests], [[], []]);
    assert.deepEqual([named.SharedSize, named.Size], [nameless.Size, nameless.Size + 1], "the layer of busybox");
    const old = (await fixture.engine.api.get("/v1.42/images/json")).json<Row[]>();
    const before = old.find(({ Id }) => Id === external.config.digest)!;
    assert.deepEqual(
      [before.RepoTags, before.RepoDigests, before.VirtualSize, before.SharedSize],
      [["<none>:<none>"], ["<none>@<none>"], before.Size, -1],
    );
    expectResult(await fixture.docker("rmi", external.config.digest, `${host}/both:1`), { stdout: /Deleted: sha256:/ });
  },
  "the raw API: tag": async (fixture) => {
    const { api } = fixture.engine;
    const path = `/images/${fixture.image}/tag`;
    assert.equal((await api.post(`${path}?repo=a/b&tag=c`)).status, 201);
    for (
      const [query, message] of [
        [`repo=a@sha256:${"0".repeat(64)}`, "refusing to create a tag with a digest reference"],
        ["repo=sha256&tag=1", "refusing to create an ambiguous tag using digest algorithm as name"],
        ["repo=a&tag=!", "invalid tag format"],
        ["", "invalid reference format"],
      ]
    ) {
      const refused = await api.post(`${path}?${query}`);
      assert.deepEqual([refused.status, refused.json()], [400, { message }]);
    }
    assert.equal((await api.delete("/images/a/b:c")).status, 200);
    const blank = await api.delete("/images/%20");
    assert.deepEqual([blank.status, blank.json()], [400, { message: "image name cannot be blank" }]);
    const two = `platforms=${encodeURIComponent('{"os":"linux","architecture":"arm64"}')}`;
    assert.equal((await api.delete(`/images/${fixture.image}?${two}&${two}`)).status, 400);
    assert.equal((await api.get(`/images/${fixture.image}/json?platform=linux`)).status, 400);
  },
}, "docker");
