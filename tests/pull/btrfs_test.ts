/** An engine on btrfs as its clients see it, and its error on other file systems. */
import { strict as assert } from "node:assert";
import { filesBelow } from "../engine/setup.ts";
import { executable, runCommand, startEngine, storageDir } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { pulled, startPullSetup } from "./setup.ts";

Deno.test({
  name: "btrfs: containers work as usual, through tsd and docker; images leave nothing",
  ...requires("root", "runc", "docker", "btrfs"),
  fn: async (test) => {
    await using place = await storageDir("btrfs");
    await using setup = await startPullSetup({ engine: place.options });
    const { engine, registry } = setup;
    const image = await busyboxBuilder().layer([file("own", "own"), file("etc/.wh.passwd", "")]).build();
    const reference = registry.add("on-btrfs", "1", image);
    await pulled(engine, ["-q", reference]);
    await test.step("info shows the storage driver", async () => {
      const { stdout } = await engine.docker(["info", "--format", "{{.Driver}} {{json .DriverStatus}}"]);
      assert.match(stdout, /^btrfs .*\["Backing Filesystem","btrfs"\]/);
    });
    await test.step("run, diff, sizes, cp and export", async () => {
      const command = ["run", "--name", "one", "--network", "none", reference, "sh", "-c", "echo 12345 >/new; rm /own"];
      assert.deepEqual(await engine.tsd(command), { code: 0, stdout: "", stderr: "" });
      for (const client of ["tsd", "docker"] as const) {
        const diff = await engine[client](["diff", "one"]);
        assert.deepEqual(diff.stdout.trim().split("\n").sort(), ["A /new", "D /own"], diff.stderr);
      }
      const { stdout } = await engine.docker(["ps", "-as", "--format", "{{.Size}}"]);
      assert.match(stdout, /^6B \(virtual /);
      assert.equal((await engine.tsd(["cp", "one:/new", "-"])).code, 0);
      assert.equal((await engine.docker(["start", "-a", "one"])).code, 1, "there is nothing to remove any more");
      assert.equal((await engine.tsd(["rm", "one"])).code, 0);
    });
    await test.step("a container survives a killed engine", async () => {
      assert.equal((await engine.tsd(["run", "-d", "--name", "two", "--network", "none", reference, "top"])).code, 0);
      await engine.restart("SIGKILL");
      const inside = await engine.docker(["exec", "two", "cat", "/own"]);
      assert.deepEqual([inside.code, inside.stdout], [0, "own"]);
      assert.equal((await engine.tsd(["rm", "-f", "two"])).code, 0);
    });
    await test.step("a removed image leaves neither layers nor chains", async () => {
      assert.equal((await engine.tsd(["rmi", reference])).code, 0);
      const left = (await filesBelow(engine.layerRoot)).map((path) => path.slice(engine.layerRoot.length));
      assert.deepEqual(left, ["/chains", "/ingest", "/layers", "/snapshots"]);
    });
  },
});

Deno.test(
  "on other file systems the engine reports why it cannot use the driver",
  requires("root", "btrfs"),
  async () => {
    await using engine = await startEngine();
    const { dataRoot } = engine;
    await engine.stop();
    const args = ["daemon", "--data-root", dataRoot, "-H", engine.host, "--storage-driver", "btrfs"];
    const { code, stderr } = await runCommand(executable(), args);
    assert.deepEqual([code, stderr], [1, `tsd: Cannot use storage driver btrfs in ${dataRoot}: it is not on btrfs\n`]);
    await engine.start();
  },
);
