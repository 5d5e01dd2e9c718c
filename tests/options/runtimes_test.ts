/** `--runtime`: configured runtimes. The second one is runc behind a script that records its calls. */
import { strict as assert } from "node:assert";
import { startEngine } from "../harness/mod.ts";
import { busyboxImage } from "../images/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { refused, succeeded } from "../supervision/setup.ts";

/** The flag before the script's other arguments shows that runtimeArgs come first. */
const SCRIPT = `#!/bin/sh
[ "$1" = --debug=false ] || exit 99
for word in "$@"; do
  case $word in create | start | state | exec | pause | resume | update | delete) echo "$word" >>FOLDER/calls; break ;; esac
done
exec runc "$@"
`;

Deno.test({
  name: "run --runtime: another configured runtime makes all calls for its containers",
  ...requires("root", "runc", "docker"),
  async fn(t) {
    await using undo = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "tsd-runtimes-" });
    undo.defer(() => Deno.remove(dir, { recursive: true }));
    await Deno.writeTextFile(`${dir}/other`, SCRIPT.replace("FOLDER", dir), { mode: 0o755 });
    const write = (config: unknown) => Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
    const other = { path: `${dir}/other`, runtimeArgs: ["--debug=false"] };
    await write({ runtimes: { other } });
    const registry = undo.use(startScriptedRegistry());
    const image = registry.add("busybox", "latest", await busyboxImage());
    const engine = undo.use(await startEngine({ args: ["--config", `${dir}/config.json`] }));
    succeeded(await engine.tsd(["pull", "-q", image]));
    const run = (...words: string[]) => engine.tsd(["run", "--network", "none", ...words]);
    const calls = async () => [...new Set((await Deno.readTextFile(`${dir}/calls`)).trimEnd().split("\n"))].sort();
    // The runtime deletes a container behind the answer.
    const awaitCalls = async (...expected: string[]) => {
      await until(`the calls ${expected}`, async () => (await calls()).join() === expected.join());
      await Deno.remove(`${dir}/calls`);
    };

    await t.step("info lists them", async () => {
      const { Runtimes, DefaultRuntime } = (await engine.api.get("/info")).json<Record<string, never>>();
      assert.deepEqual([Object.keys(Runtimes), DefaultRuntime], [["runc", "other"], "runc"]);
      assert.deepEqual(Runtimes["other"], other);
      assert.match((await engine.tsd(["info"])).stdout, /\n Runtimes: runc other\n Default Runtime: runc\n/);
    });
    await t.step("a container's complete lifecycle", async () => {
      assert.equal(succeeded(await run("--rm", "--runtime", "other", image, "echo", "hi")), "hi\n");
      await awaitCalls("create", "delete", "start", "state");
      succeeded(await run("-d", "--name", "box", "--runtime", "other", image, "sleep", "1000"));
      assert.equal(succeeded(await engine.tsd(["exec", "box", "echo", "in"])), "in\n");
      for (const verb of ["pause", "unpause"]) succeeded(await engine.tsd([verb, "box"]));
      assert.equal(succeeded(await engine.tsd(["inspect", "-f", "{{.HostConfig.Runtime}}", "box"])), "other\n");
      await awaitCalls("create", "exec", "pause", "resume", "start", "state");
      refused(await run("--rm", "--runtime", "other", image, "nope"), "executable file not found in $PATH");
    });
    await t.step("the docker client selects it too; an unknown one is refused", async () => {
      const args = ["run", "--rm", "--network", "none", "--runtime"];
      assert.equal((await engine.docker([...args, "other", image, "echo", "hi"])).stdout, "hi\n");
      assert.equal((await engine.docker([...args, "io.containerd.runc.v2", image, "echo", "hi"])).stdout, "hi\n");
      refused(await engine.docker([...args, "gone", image, "true"]), "unknown or invalid runtime name: gone");
    });
    await t.step("a container survives its engine, and the removal of its runtime from the configuration", async () => {
      await engine.stop("SIGKILL");
      await engine.start();
      assert.equal(succeeded(await engine.tsd(["exec", "box", "echo", "still"])), "still\n");
      await write({});
      await engine.stop();
      await engine.start();
      assert.match(succeeded(await engine.tsd(["ps", "--format", "{{.Names}} {{.Status}}"])), /^box Up /);
      const exec = await engine.tsd(["exec", "box", "true"]);
      // As in Docker, the exec's output has the reason of the failed start.
      refused({ ...exec, stderr: exec.stdout }, "unknown or invalid runtime name: other");
      succeeded(await engine.tsd(["stop", "-t", "0", "box"]));
      refused(await engine.tsd(["start", "box"]), "unknown or invalid runtime name: other");
      succeeded(await engine.tsd(["rm", "box"]));
    });
    await t.step("a configured default runtime", async () => {
      await write({ runtimes: { other }, "default-runtime": "other" });
      await engine.stop();
      await engine.start();
      succeeded(await run("--rm", image, "true"));
      assert((await calls()).includes("create"));
      assert.match((await engine.tsd(["info"])).stdout, /\n Default Runtime: other\n/);
    });
  },
});
