/** The client of `mod.ts` against a real engine. */
import { strict as assert } from "node:assert";
import { type Client, connect, isTsdError } from "../../mod.ts";
import { startSetup, until } from "../engine/setup.ts";
import { requires } from "../requires.ts";

const code = (expected: string) => (thrown: unknown) => isTsdError(thrown) && thrown.code === expected;

/** The tests share an engine; each gets a client and the image's reference. */
const TESTS: Readonly<Record<string, (tsd: Client, image: string) => Promise<void>>> = {
  async "run: exit code, output, input, environment, user and directory; the container is removed"(tsd, image) {
    const script = 'cat; echo "$GREETING $(id -u) $PWD" >&2; exit 3';
    const result = await tsd.containers.run(image, ["sh", "-c", script], {
      stdin: "line 1\nline 2\n",
      env: { GREETING: "hello" },
      user: "1000",
      workingDir: "/tmp",
      hostConfig: { NetworkMode: "none" },
    });
    assert.deepEqual(result, { exitCode: 3, stdout: "line 1\nline 2\n", stderr: "hello 1000 /tmp\n" });
    assert.deepEqual(await tsd.containers.list({ all: true }), []);
  },

  async "run: output as it comes; a missing command has its code and leaves no container"(tsd, image) {
    const pieces: string[] = [];
    const result = await tsd.containers.run(image, ["sh", "-c", "echo a; sleep 0.2; echo b"], {
      onStdout: (bytes) => void pieces.push(new TextDecoder().decode(bytes)),
    });
    assert.deepEqual([pieces.join(""), result], ["a\nb\n", { exitCode: 0, stdout: "", stderr: "" }]);
    await assert.rejects(tsd.containers.run(image, ["no-such-command"]), code("command_not_found"));
    assert.deepEqual(await tsd.containers.list({ all: true }), []);
  },

  async "run: a container that is kept; an abort removes the container"(tsd, image) {
    await tsd.containers.run(image, ["true"], { name: "kept", keep: true });
    assert.equal((await tsd.containers.get("kept").inspect()).State.Status, "exited");
    await tsd.containers.get("kept").remove();
    const stop = new AbortController();
    const running = tsd.containers.run(image, ["sleep", "1000"], { signal: stop.signal });
    await until("a container", async () => (await tsd.containers.list()).length === 1);
    stop.abort();
    await assert.rejects(running, code("cancelled"));
    assert.deepEqual(await tsd.containers.list({ all: true }), []);
  },

  async "a container's life: create, start, exec, logs, events, stop, wait, remove"(tsd, image) {
    const since = new Date();
    const script = "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.05; done";
    const { Id } = await tsd.containers.create({ Image: image, Cmd: ["sh", "-c", script] }, { name: "web" });
    const web = tsd.containers.get("web");
    await web.start();
    for await (const { stream, text } of web.logs({ follow: true })) {
      assert.deepEqual([stream, text], ["stdout", "ready"]);
      break;
    }
    assert.deepEqual(await web.exec(["sh", "-c", "cat; exit 2"], { stdin: new Uint8Array([104, 105]) }), {
      exitCode: 2,
      stdout: "hi",
      stderr: "",
    });
    const missing = await web.exec(["no-such-command"]);
    assert.equal(missing.exitCode, 127);
    assert.match(missing.stdout + missing.stderr, /^OCI runtime exec failed: .*not found/);
    const waiting = web.wait();
    await web.stop({ timeoutSeconds: 20 });
    assert.equal((await waiting).StatusCode, 4);
    const lines = (await Array.fromAsync(web.logs({ tail: 1 }))).map(({ text }) => text);
    assert.deepEqual(lines, ["bye"]);
    await web.remove({ volumes: true });
    await assert.rejects(web.inspect(), code("container_not_found"));
    const actions: string[] = [];
    for await (const { Action } of tsd.events({ since, until: new Date(), filters: { container: [Id] } })) {
      actions.push(Action.split(":")[0]!);
    }
    assert.deepEqual([actions[0], actions.at(-1), actions.includes("die")], ["create", "destroy", true]);
  },

  async "images, volumes, networks and the system"(tsd, image) {
    const messages: unknown[] = [];
    const pulled = await tsd.images.pull(image, { onProgress: (message) => void messages.push(message) });
    assert.notEqual(messages.length, 0);
    await pulled.tag("second", "name");
    assert.deepEqual((await pulled.inspect()).RepoTags?.includes("second:name"), true);
    await tsd.images.get("second:name").remove();
    await assert.rejects(tsd.images.get("second:name").inspect(), code("image_not_found"));
    await assert.rejects(tsd.images.pull(`${image}-none`), code("manifest_unknown"));
    await tsd.volumes.create({ Name: "data" });
    await tsd.containers.run(image, ["touch", "/data/file"], { hostConfig: { Binds: ["data:/data"] } });
    assert.deepEqual((await tsd.volumes.list()).Volumes.map(({ Name }) => Name), ["data"]);
    await tsd.volumes.get("data").remove();
    const { Id } = await tsd.networks.create({ Name: "backend", Internal: true });
    assert.equal((await tsd.networks.get("backend").inspect()).Id, Id);
    await tsd.networks.get("backend").remove();
    assert.deepEqual(await tsd.networks.list({ filters: { name: ["backend"] } }), []);
    assert.equal((await tsd.system.version()).ApiVersion, "1.50");
    assert.equal((await tsd.system.info()).Containers, 0);
  },
};

Deno.test("the client of the library", requires("root", "runc"), async (test) => {
  await using setup = await startSetup();
  for (const [name, run] of Object.entries(TESTS)) {
    await test.step(name, async () => {
      await using tsd = await connect(setup.engine.host);
      await run(tsd, setup.image);
    });
  }
  await test.step("disposing of a client ends its loops and requests", async () => {
    const tsd = await connect(setup.engine.host);
    const next = tsd.events().next();
    const waiting = assert.rejects(next, code("cancelled"));
    await tsd.system.info();
    await tsd[Symbol.asyncDispose]();
    await waiting;
    await assert.rejects(tsd.system.info(), code("cancelled"));
  });
});
