/** `--init`: a small PID 1 that forwards signals and reaps orphans, with tsd and the docker CLI. */
import { strict as assert } from "node:assert";
import { INIT_PROGRAMS } from "../../src/engine/containers/init_program.ts";
import { startSetup, startSetupWith, stateOf } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { background, refused, succeeded } from "./setup.ts";

const CLIENTS = ["tsd", "docker"] as const;
const RUN = ["run", "--rm", "--network", "none", "--init"];

Deno.test(
  "init: it is PID 1, read-only, and only with --init",
  requires("root", "runc", "docker", "tini-static"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    for (const client of CLIENTS) {
      const look = "tr '\\0' ' ' </proc/1/cmdline; echo; grep /sbin/docker-init /proc/mounts; exit 6";
      const ran = await engine[client]([...RUN, image, "sh", "-c", look]);
      assert.match(ran.stdout, /^\/sbin\/docker-init -- sh -c /);
      assert.match(ran.stdout, / \/sbin\/docker-init \w+ ro,/);
      assert.deepEqual([ran.code, ran.stderr], [6, ""]);
      const without = await engine[client](["run", "--rm", "--network", "none", image, "ls", "/sbin/docker-init"]);
      assert.notEqual(without.code, 0);
      // Without a PID namespace it would not be PID 1: as in Docker it is left out.
      const shared = await engine.docker([...RUN, "--pid", "host", image, "ls", "/sbin/docker-init"]);
      assert.notEqual(shared.code, 0);
    }
    const inspected = succeeded(await engine.docker(["create", "--network", "none", "--init", "--name", "web", image]));
    const answer = await engine.api.get(`/containers/${inspected.trim()}/json`);
    assert.equal(answer.json<{ HostConfig: { Init: boolean } }>().HostConfig.Init, true);
    const { InitBinary } = (await engine.api.get("/info")).json<{ InitBinary: string }>();
    assert.match(InitBinary, /^\/.*(tini|init|catatonit)/);
    assert.match((await engine.docker(["info"])).stdout, new RegExp(`Init Binary: ${InitBinary}\\n`));
  },
);

Deno.test(
  "init: signals are forwarded, orphans reaped, a missing command reported",
  requires("root", "runc", "tini-static"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    // Without an init, the kernel would discard the signal: this PID 1 has no handler.
    await background(setup, "sleeps", { flags: ["--init"] });
    succeeded(await engine.tsd(["stop", "-t", "20", "sleeps"]));
    assert.equal((await stateOf(engine, "sleeps")).ExitCode, 143);
    const orphans = "for i in 1 2 3; do (sleep 0.01 &) ; done; sleep 0.5; ps -o stat,comm | grep -c '^Z'";
    const { stdout } = await engine.tsd([...RUN, image, "sh", "-c", orphans]);
    assert.equal(stdout, "0\n");
    const missing = await engine.tsd([...RUN, image, "nope"]);
    assert.match(missing.stderr, /nope/);
    assert.equal(missing.code, 127);
  },
);

Deno.test(
  "init: without such a program it is refused, naming the package to install",
  requires("root", "runc", "docker"),
  async () => {
    const dir = await Deno.makeTempDir({ prefix: "tsd-init-" });
    try {
      const hide = `for file in ${INIT_PROGRAMS.join(" ")}; do [ ! -e $file ] || mount --bind /dev/null $file; done`;
      await using setup = await startSetupWith(dir, hide);
      const { engine, image } = setup;
      for (const client of CLIENTS) {
        const failed = await engine[client]([...RUN, image, "true"]);
        refused(failed, /Cannot use --init: this machine has no static init program .*; install the package tini\n/);
        assert.equal(failed.code, 125);
      }
      assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
      assert.equal((await engine.api.get("/info")).json<{ InitBinary: string }>().InitBinary, "");
      assert.equal((await engine.tsd(["run", "--rm", "--network", "none", image, "echo", "fine"])).stdout, "fine\n");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
