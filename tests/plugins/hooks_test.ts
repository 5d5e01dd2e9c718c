/**
 * Every hook on real containers, as seen by the built-in webhook; the metrics; and the machine's OCI hooks (hooks.d).
 * One engine for all of it.
 */
import { strict as assert } from "node:assert";
import { HOOK_NAMES } from "../../src/plugins/mod.ts";
import { type Engine, startEngine, until } from "../harness/mod.ts";
import { busyboxImage } from "../images/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { refused, succeeded } from "../supervision/setup.ts";
import { writeRules } from "./rules.ts";
import { Witness } from "./recorder.ts";

/** Records the stage and the runtime's state of the container. */
const HOOK = `#!/bin/sh
state=$(cat)
echo "$1 $(echo "$state" | sed -n 's/.*"id": *"\\([0-9a-f]*\\)".*/\\1/p')" >>FOLDER/calls
[ "$1" != fails ]
`;

Deno.test({
  name: "hooks: all are called for real containers, and those of hooks.d by the runtime",
  ...requires("root", "runc", "docker", "ip", "nft"),
  async fn(t) {
    await using undo = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "tsd-hooks-" });
    undo.defer(() => Deno.remove(dir, { recursive: true }));
    const witness = undo.use(new Witness());
    const registry = undo.use(startScriptedRegistry());
    const image = registry.add("busybox", "latest", await busyboxImage());
    await Deno.mkdir(`${dir}/hooks.d`);
    await Deno.writeTextFile(`${dir}/hook`, HOOK.replace("FOLDER", dir), { mode: 0o755 });
    const address = freeAddress();
    const config = {
      hooksDirs: [`${dir}/missing`, `${dir}/hooks.d`],
      plugins: { webhook: { url: witness.url, hooks: HOOK_NAMES }, metrics: { address } },
    };
    await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
    const engine = undo.use(await startEngine({ args: ["--config", `${dir}/config.json`] }));
    // The same in each language, under two names.
    const typescript = await Deno.readTextFile(await writeRules(dir, "TypeScript"));
    await Deno.writeTextFile(`${dir}/typescript.ts`, typescript.replace('name: "rules"', 'name: "typescript"'));
    for (const file of [`${dir}/typescript.ts`, await writeRules(dir, "WebAssembly")]) {
      succeeded(await engine.tsd(["plugin", "install", file]));
    }
    const run = (...words: string[]) => engine.tsd(["run", "--network", "none", ...words]);
    const idOf = async (name: string) => succeeded(await engine.tsd(["inspect", "-f", "{{.Id}}", name])).trim();

    await t.step("a pull", async () => {
      succeeded(await engine.tsd(["pull", "-q", image]));
      const requested = { reference: image, registry: registry.host, repository: "busybox" };
      for (const hook of ["image.beforePull", "registry.resolve", "registry.credentials"] as const) {
        assert.deepEqual(await witness.seen(hook), requested, hook);
      }
      const pulled = await witness.seen("image.pulled");
      const { downloadedBytes, ...verified } = pulled;
      assert.deepEqual(await witness.seen("image.verify"), verified);
      assert.equal(verified.source, verified.reference);
      assert.ok(downloadedBytes > 100_000, `${downloadedBytes}`);
    });

    await t.step("an archive", async () => {
      succeeded(await engine.docker(["save", "-o", `${dir}/image.tar`, image]));
      assert.match(succeeded(await engine.docker(["load", "-i", `${dir}/image.tar`])), /^Loaded image: /);
      const { id, reference, source } = await witness.seen("image.loaded");
      assert.deepEqual([id, reference, source], [witness.of("image.pulled")[0]!.id, image, "archive"]);
      await witness.seen("image.verify", (each) => each.source === "archive");
    });

    await t.step("a container's lifecycle, in order", async () => {
      const flags = ["--name", "box", "-l", "mine=1", "-e", "A=1", "-v", "data:/data", "--rm"];
      const { code } = await engine.docker(["run", ...flags, image, "sh", "-c", "echo one; echo two >&2; exit 3"]);
      assert.equal(code, 3);
      await witness.seen("container.removed", ({ name }) => name === "box");
      const created = await witness.seen("container.create");
      assert.deepEqual([created.labels, created.env.A, created.args[0]], [{ mine: "1" }, "1", "sh"]);
      assert.deepEqual(created.mounts, [{ type: "volume", source: "data", target: "/data", readOnly: false }]);
      assert.deepEqual(await witness.seen("volume.created"), { name: "data", labels: {} });
      const { netns, networks } = await witness.seen("network.ready");
      assert.match(netns, /^\/run\/.*\/netns\//);
      assert.deepEqual(networks.map((each) => [each.name, each.interface]), [["bridge", "eth0"]]);
      assert.match(networks[0]!.address, /^\d+\.\d+\.\d+\.\d+$/);
      const { exitCode, oomKilled } = await witness.seen("container.exited");
      assert.deepEqual([exitCode, oomKilled], [3, false]);
      await witness.seen("log.line", ({ stream, line }) => stream === "stderr" && line === "two");
      await witness.seen(
        "log.line",
        ({ stream, line, name }) => stream === "stdout" && line === "one" && name === "box",
      );
      const order = witness.reported.map(({ hook }) => hook).filter((hook) =>
        /^(container|network|volume)\./.test(hook)
      );
      assert.deepEqual(order, [
        ...["container.create", "container.validate", "volume.created", "network.ready"],
        ...["container.started", "container.exited", "container.removed"],
      ]);
    });

    await t.step("exec, health, memory, prune", async () => {
      const health = ["--health-cmd", "test ! -e /sick", "--health-interval", "100ms", "--health-retries", "1"];
      succeeded(await run("-d", "--name", "well", ...health, image, "sleep", "1000"));
      await witness.seen("health.changed", ({ status }) => status === "healthy");
      assert.deepEqual(witness.of("container.exec"), [], "the engine's own checks are nobody's business");
      succeeded(await engine.tsd(["exec", "-w", "/tmp", "well", "touch", "/sick"]));
      const { command, workingDir, name } = await witness.seen("container.exec");
      assert.deepEqual([command, workingDir, name], [["touch", "/sick"], "/tmp", "well"]);
      const { before, failingStreak } = await witness.seen("health.changed", ({ status }) => status === "unhealthy");
      assert.deepEqual([before, failingStreak], ["healthy", 1]);
      const greedy = ["--name", "greedy", "-m", "16m", "--memory-swap", "16m", image, "tail", "/dev/zero"];
      assert.equal((await run(...greedy)).code, 137);
      assert.equal((await witness.seen("container.oom")).name, "greedy");
      assert.ok((await witness.seen("container.exited", ({ name }) => name === "greedy")).oomKilled);
      succeeded(await engine.tsd(["container", "prune", "-f"]));
      const { things } = await witness.seen("prune.plan");
      assert.deepEqual(things.map(({ kind, names }) => [kind, names]), [["container", ["greedy"]]]);
    });

    await t.step("requests, and metrics of all these", async () => {
      const requested = await witness.seen("api.request", ({ route }) => route === "/containers/{id*}/exec");
      assert.deepEqual([requested.method, requested.params, JSON.parse(requested.body!).Cmd], [
        ...["POST", { id: "well" }, ["touch", "/sick"]],
      ]);
      await witness.seen("api.answered", ({ route, status }) => route === "/containers/{id*}/exec" && status === 200);
      const answer = await engine.api.get("/metrics");
      assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
      const lines = answer.text().split("\n");
      for (
        const line of [
          'tsd_containers{state="running"} 1',
          "tsd_container_starts_total 3",
          'tsd_container_exits_total{code="3"} 1',
          'tsd_container_exits_total{code="137"} 1',
          "tsd_image_pulls_total 1",
          "tsd_volumes_created_total 1",
          'tsd_api_requests_total{method="POST",route="/containers/create",status="201"} 3',
        ]
      ) assert.ok(lines.includes(line), `${line}\n${answer.text()}`);
    });

    for (const [language, name] of [["TypeScript", "typescript"], ["WebAssembly", "rules"]] as const) {
      await t.step(`a plugin in ${language}, in a separate process, received the same`, async () => {
        const said = async () => succeeded(await engine.tsd(["plugin", "logs", name])).match(/[a-z]+\.[a-zA-Z]+$/gm);
        await until("what was said", async () => new Set(await said()).size >= HOOK_NAMES.length);
        assert.deepEqual([...new Set(await said())].sort(), [...HOOK_NAMES].sort());
        succeeded(await engine.tsd(["plugin", "rm", name]));
      });
    }

    await t.step("a re-executed engine reports running containers", async () => {
      succeeded(await engine.tsd(["-H", engine.host, "daemon", "reload"]));
      const { name } = await witness.seen("container.started", ({ replayed }) => replayed);
      assert.equal(name, "well");
      const metrics = await fetch(`http://${address}/metrics`);
      assert.match(await metrics.text(), /^tsd_container_starts_total 0$/m);
      succeeded(await engine.tsd(["rm", "-f", "well"]));
    });

    await t.step("hooks.d: stages and conditions, by runc itself", () => hooksDir(engine, image, dir, idOf, run));
  },
});

/** Returns a free address. */
function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

async function hooksDir(
  engine: Engine,
  image: string,
  dir: string,
  idOf: (name: string) => Promise<string>,
  run: (...words: string[]) => ReturnType<Engine["tsd"]>,
): Promise<void> {
  const calls = async () => {
    const lines = (await Deno.readTextFile(`${dir}/calls`)).trimEnd().split("\n");
    await Deno.remove(`${dir}/calls`);
    return lines;
  };
  const write = (name: string, when: unknown, stages: readonly string[]) =>
    Promise.all(stages.map((stage) =>
      Deno.writeTextFile(
        `${dir}/hooks.d/${name}-${stage}.json`,
        JSON.stringify({
          ...{ version: "1.0.0", when, stages: [stage] },
          hook: { path: `${dir}/hook`, args: ["hook", stage === "prestart" ? "fails" : stage] },
        }),
      )
    ));
  await write("all", { annotations: { "^hooked$": "^yes$" }, commands: ["sleep$"] }, [
    ...["createRuntime", "createContainer", "poststart", "poststop"],
  ]);
  // The only stage whose program is the container's.
  await Deno.writeTextFile(
    `${dir}/hooks.d/inside.json`,
    JSON.stringify({
      ...{ version: "1.0.0", when: { annotations: { "^hooked$": "^inside$" } }, stages: ["startContainer"] },
      hook: { path: "/bin/touch", args: ["touch", "/begun"] },
    }),
  );
  await write("bad", { annotations: { "^hooked$": "^badly$" } }, ["prestart"]);
  succeeded(await run("--rm", "--annotation", "hooked=yes", image, "true"));
  succeeded(await run("-d", "--name", "hooked", "--annotation", "hooked=yes", image, "sleep", "1000"));
  const id = await idOf("hooked");
  assert.deepEqual(await calls(), [`createRuntime ${id}`, `createContainer ${id}`, `poststart ${id}`]);
  assert.equal(succeeded(await run("--rm", "--annotation", "hooked=inside", image, "ls", "/begun")), "/begun\n");
  succeeded(await engine.docker(["rm", "-f", "hooked"]));
  assert.deepEqual(await calls(), [`poststop ${id}`]);
  refused(await run("--rm", "--annotation", "hooked=badly", image, "sleep", "1"), "hook");
  assert.match((await calls())[0]!, /^fails [0-9a-f]{64}$/);
  await Deno.writeTextFile(`${dir}/hooks.d/broken.json`, "{");
  refused(await run("--rm", image, "true"), "hooks.d/broken.json: it is not JSON");
  await Deno.remove(`${dir}/hooks.d/broken.json`);
  succeeded(await run("--rm", image, "true"));
}
