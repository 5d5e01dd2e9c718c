/**
 * Archives exchanged between tsd and a real dockerd (20.10, which reads and writes `<id>/layer.tar`), in both
 * directions.
 */
import { strict as assert } from "node:assert";
import { startDockerDaemon } from "../../bench/peers/docker_daemon.ts";
import { startEngine } from "../harness/mod.ts";
import { busyboxBuilder, featureImage, file, type Image, writeDockerArchive } from "../images/mod.ts";
import { dockerPeer } from "../transcripts/peers.ts";
import { requires } from "../requires.ts";

/** Two images that share a layer: the older format has a link instead of the second copy. */
const app = (text: string): Promise<Image> =>
  busyboxBuilder().layer([file("app", text)]).config({ Cmd: ["cat", "/app"] }).build();

Deno.test({
  name: "dockerd loads what tsd saves, tsd loads what dockerd saves, and IDs stay",
  ...requires("root", "runc", "docker"),
  fn: async () => {
    await using daemon = await startDockerDaemon();
    await using engine = await startEngine();
    const docker = dockerPeer(daemon);
    const run = async (result: Promise<{ code: number; stdout: string; stderr: string }>) => {
      const { code, stdout, stderr } = await result;
      assert.deepEqual([code, stderr], [0, ""]);
      return stdout;
    };
    const images = { "one:1": await app("one"), "two:1": await app("two"), "full:1": (await featureImage()).image };
    const names = Object.keys(images);
    const path = (name: string) => `${engine.dir}/${name}.tar`;
    for (const [name, image] of Object.entries(images)) {
      await writeDockerArchive(path("given"), image, [name]);
      await run(engine.tsd(["load", "-i", path("given")]));
    }
    const info = ["inspect", "-f", "{{.Id}} {{.RepoTags}} {{.RootFS.Layers}}", ...names];
    const managed = await run(engine.tsd(info));
    assert.deepEqual(
      managed.split("\n").slice(0, -1).map((line) => line.split(" ")[0]),
      Object.values(images).map(({ config }) => config.digest),
    );
    await run(engine.tsd(["save", "-o", path("tsd"), ...names]));
    assert.equal(
      await run(docker.run(["load", "-i", path("tsd")])),
      names.map((name) => `Loaded image: ${name}\n`).join(""),
    );
    assert.equal(await run(docker.run(info)), managed);
    assert.equal(await run(docker.run(["run", "--rm", "--network", "none", "two:1"])), "two");
    await run(docker.run(["save", "-o", path("docker"), ...names]));
    await run(engine.tsd(["rmi", ...names]));
    const loaded = await run(engine.tsd(["load", "-i", path("docker")]));
    assert.deepEqual(loaded.trimEnd().split("\n").sort(), names.map((name) => `Loaded image: ${name}`).sort());
    assert.equal(await run(engine.tsd(info)), managed);
    assert.equal(await run(engine.tsd(["run", "--rm", "--network", "none", "two:1"])), "two");
  },
});
