/** The real docker CLI inspects and changes this engine's objects: `ps`, `inspect`, `images`, `pull`, `info`, … */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, pushImage } from "../images/mod.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";

async function background(fixture: Fixture, name: string, ...command: string[]): Promise<string> {
  const result = await fixture.docker("run", "-d", "--network", "none", "--name", name, fixture.image, ...command);
  expectResult(result, { stdout: /^[0-9a-f]{64}\n$/ });
  return result.stdout.trim();
}

scenario("docker: containers", {
  "ps: table, format, filters": async (fixture) => {
    const id = await background(fixture, "up", "sh", "-c", "sleep 1000; true");
    await background(fixture, "done", "sh", "-c", "exit 3");
    expectResult(await fixture.docker("wait", "done"), { stdout: "3\n" });
    const table = (await fixture.docker("ps")).stdout.split("\n").map((line) => line.trimEnd().split(/ {2,}/));
    assert.deepEqual(table[0], ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]);
    assert.deepEqual(table[1]?.slice(0, 3), [id.slice(0, 12), fixture.image, `"sh -c 'sleep 1000; …"`]);
    assert.equal(table.length, 3);
    const format = "{{.ID}} {{.Names}} {{.State}} {{.Image}} {{.Networks}} {{.Ports}}|{{.Status}}";
    expectResult(await fixture.docker("ps", "-a", "--no-trunc", "--filter", "name=up", "--format", format), {
      stdout: new RegExp(`^${id} up running ${fixture.image} none \\|Up (Less than a second|\\d+ seconds?)\n$`),
    });
    expectResult(await fixture.docker("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}} {{.Status}}"), {
      stdout: /^done Exited \(3\) (Less than a second|\d+ seconds?) ago\n$/,
    });
    expectResult(await fixture.docker("ps", "-aq", "--filter", `ancestor=${fixture.image}`), {
      stdout: /^([0-9a-f]{12}\n){2}$/,
    });
    expectResult(await fixture.docker("ps", "-lq", "--no-trunc", "--filter", "exited=0"), {});
    expectResult(await fixture.docker("rm", "-f", "up", "done"), { stdout: "up\ndone\n" });
  },
  "inspect --format": async (fixture) => {
    const id = await background(fixture, "look", "sleep", "1000");
    const format = async (template: string) => (await fixture.docker("inspect", "--format", template, "look")).stdout;
    assert.equal(await format("{{.Id}} {{.Name}} {{.State.Status}} {{.State.Running}}"), `${id} /look running true\n`);
    assert.equal(
      await format("{{json .Config.Cmd}} {{.Path}} {{range .Args}}[{{.}}]{{end}}"),
      '["sleep","1000"] sleep [1000]\n',
    );
    assert.equal(await format("{{.HostConfig.NetworkMode}} {{len .NetworkSettings.Ports}}"), "none 0\n");
    const pid = Number(await format("{{.State.Pid}}"));
    assert.deepEqual((await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0"), ["sleep", "1000", ""]);
    expectResult(await fixture.docker("port", "look"), {});
    expectResult(await fixture.docker("inspect", "absent"), {
      code: 1,
      stdout: "[]\n",
      stderr: /^[Ee]rror: [Nn]o such object: absent\n$/,
    });
    expectResult(await fixture.docker("rm", "-f", "look"), { stdout: "look\n" });
  },
  "stop, start, kill, wait, rm": async (fixture) => {
    await background(fixture, "job", "sleep", "1000");
    expectResult(await fixture.docker("stop", "-t", "0", "job"), { stdout: "job\n" });
    expectResult(await fixture.docker("wait", "job"), { stdout: "137\n" });
    expectResult(await fixture.docker("stop", "job"), { stdout: "job\n" });
    expectResult(await fixture.docker("start", "job"), { stdout: "job\n" });
    expectResult(await fixture.docker("start", "job"), { stdout: "job\n" });
    expectResult(await fixture.docker("kill", "-s", "KILL", "job"), { stdout: "job\n" });
    await fixture.docker("wait", "job");
    expectResult(await fixture.docker("rm", "job", "absent"), {
      code: 1,
      stdout: "job\n",
      stderr: /^Error( response from daemon)?: No such container: absent\n$/,
    });
  },
}, "docker");

scenario("docker: images, info, version", {
  "pull: output, up to date, -q": async (fixture) => {
    const { host, url } = fixture.registry;
    const image = await busyboxBuilder().layer([file("app", "1")]).build();
    await pushImage(url, "team/app", "1", image);
    const pulled = await fixture.docker("pull", `${host}/team/app:1`);
    assert.deepEqual([pulled.code, pulled.stderr], [0, ""]);
    const lines = pulled.stdout.replace(/^[0-9a-f]{12}: /gm, "LAYER: ").split("\n");
    assert.equal(lines[0], "1: Pulling from team/app");
    const steps = ["Already exists", "Download complete", "Pull complete", "Pulling fs layer", "Verifying Checksum"];
    assert.deepEqual(lines.slice(1, -4).sort(), steps.map((step) => `LAYER: ${step}`));
    const end = [
      `Digest: ${image.top.digest}`,
      `Status: Downloaded newer image for ${host}/team/app:1`,
      `${host}/team/app:1`,
      "",
    ];
    assert.deepEqual(lines.slice(-4), end);
    expectResult(await fixture.docker("pull", `${host}/team/app:1`), {
      stdout: `1: Pulling from team/app\nDigest: ${image.top.digest}\n` +
        `Status: Image is up to date for ${host}/team/app:1\n${host}/team/app:1\n`,
    });
    expectResult(await fixture.docker("pull", "-q", `${host}/team/app:1`), { stdout: `${host}/team/app:1\n` });
  },
  "images, image inspect, history, rmi": async (fixture) => {
    const { host } = fixture.registry;
    const rows = (await fixture.docker("images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}")).stdout.trimEnd()
      .split("\n");
    assert.deepEqual(
      rows.map((row) => row.split(" ")[0]).sort(),
      [`${fixture.image}:latest`, `${host}/team/app:1`].sort(),
    );
    for (const row of rows) assert.match(row, / \d+(\.\d+)?MB$/);
    const inspected =
      "{{.Id}} {{index .RepoTags 0}} {{.Os}}/{{.Architecture}} {{json .Config.Cmd}} {{len .RootFS.Layers}}";
    const { stdout } = await fixture.docker("inspect", "--format", inspected, `${host}/team/app:1`);
    assert.match(stdout, new RegExp(`^sha256:\\w{64} ${host}/team/app:1 linux/(amd64|arm64) \\["sh"\\] 2\n$`));
    const id = stdout.slice(0, 71);
    expectResult(await fixture.docker("images", "-q", "--no-trunc", `${host}/team/app`), { stdout: `${id}\n` });
    expectResult(await fixture.docker("history", "--format", "{{.CreatedBy}}", id.slice(7, 19)), {
      stdout: "layer 1\nlayer 0\n",
    });
    expectResult(await fixture.docker("rmi", `${host}/team/app:1`), {
      stdout: new RegExp(
        `^Untagged: \\S+:1\nUntagged: \\S+@sha256:\\w{64}\nDeleted: ${id}\nDeleted: sha256:\\w{64}\n$`,
      ),
    });
    expectResult(await fixture.docker("rmi", `${host}/team/app:1`), {
      code: 1,
      stderr: new RegExp(`^Error( response from daemon)?: No such image: ${host}/team/app:1\n$`),
    });
  },
  "version and info": async (fixture) => {
    const version = "{{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Server.Os}} {{.Client.APIVersion}}";
    const { stdout } = await fixture.docker("version", "--format", version);
    assert.match(stdout, /^1\.50 1\.24 linux 1\.(4[1-9]|50)\n$/);
    expectResult(await fixture.docker("version"), { stdout: /^Client:[^]*\nServer:[^]*\n Engine:\n {2}Version: / });
    const info = "{{.Containers}} {{.Images}} {{.Driver}} {{.OSType}} {{.Swarm.LocalNodeState}} {{.DefaultRuntime}}";
    expectResult(await fixture.docker("info", "--format", info), {
      stdout: `0 1 ${fixture.engine.driver} linux inactive runc\n`,
    });
    expectResult(await fixture.docker("info"), {
      stdout: new RegExp(`\n Storage Driver: ${fixture.engine.driver}\n`),
      stderr: /^(WARNING: [^\n]+\n)*$/,
    });
  },
}, "docker");
