/**
 * When an engine that was started on demand exits. Its idle time is shortened to two seconds, in which a client must
 * connect.
 */
import { strict as assert } from "node:assert";
import { executable, type Session } from "../harness/mod.ts";
import { busyboxImage } from "../images/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { EMPTY_FIELDS, Machine } from "./machine.ts";
import { exists, until } from "./setup.ts";

const IDLE_MS = 2000;

/** A machine with the default engine on it. */
class Setup implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();

  private constructor(
    readonly machine: Machine,
    readonly registry: ScriptedRegistry,
    readonly image: string,
  ) {
    this.#owned.use(registry);
    this.#owned.use(machine);
  }

  static async start(): Promise<Setup> {
    const registry = startScriptedRegistry();
    const image = registry.add("busybox", "1", await busyboxImage());
    return new Setup(await Machine.open(EMPTY_FIELDS), registry, image);
  }

  /** Starts an engine as a client would, except for the idle time; returns its process. */
  async engine(flags = ["--on-demand"]): Promise<Session> {
    const env = { TSD_IDLE_SECONDS: String(IDLE_MS / 1000), HOME: "/nonexistent" };
    const session = this.#owned.use(this.machine.session(executable(), ["daemon", ...flags], { env }));
    await until("its socket", () => exists(this.machine.path("/run/tsd/tsd.sock")));
    return session;
  }

  async pull(): Promise<void> {
    const { code, stderr } = await this.machine.tsd("pull", "-q", this.image);
    assert.deepEqual([code, stderr], [0, ""]);
  }

  /** Reports whether an engine is still running after twice its idle time. */
  async stays(): Promise<boolean> {
    // That nothing happens can only be observed by waiting.
    await new Promise((resolve) => setTimeout(resolve, 2 * IDLE_MS));
    return (await this.machine.engines()).length === 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

Deno.test("an engine stays while a container runs, and exits soon after", requires("root", "runc"), async () => {
  await using setup = await Setup.start();
  const { machine, image } = setup;
  const engine = await setup.engine();
  await setup.pull();
  assert.equal((await machine.tsd("run", "-d", "--name", "c1", "--network", "none", image, "sleep", "1000")).code, 0);
  await using _removed = { [Symbol.asyncDispose]: async () => void await machine.tsd("rm", "-f", "c1") };
  assert.equal(await setup.stays(), true);
  assert.equal((await machine.tsd("rm", "-f", "c1")).code, 0);
  const before = performance.now();
  assert.equal((await engine.wait()).code, 0);
  assert.ok(performance.now() - before > IDLE_MS / 2, "it left at once");
  assert.equal(await exists(machine.path("/run/tsd/tsd.sock")), false);
  assert.match(await Deno.readTextFile(machine.path("/run/tsd/engine.log")), /stopping why=idle\n$/);
  // The next client starts the next one.
  assert.match((await machine.tsd("images", "-q")).stdout, /^[0-9a-f]{12}\n$/);
});

Deno.test("an engine stays while a container waits for its restart", requires("root", "runc"), async () => {
  await using setup = await Setup.start();
  const { machine, image } = setup;
  const engine = await setup.engine();
  await setup.pull();
  const run = ["run", "-d", "--name", "c1", "--network", "none", "--restart", "always", image, "false"];
  assert.equal((await machine.tsd(...run)).code, 0);
  await using _removed = { [Symbol.asyncDispose]: async () => void await machine.tsd("rm", "-f", "c1") };
  // From then on the back-off exceeds the engine's idle time.
  await until(
    "its long back-off",
    async () => /Restarting/.test((await machine.tsd("ps")).stdout) && await count() > 5,
  );
  assert.equal(await setup.stays(), true);
  assert.equal((await machine.tsd("stop", "c1")).code, 0);
  assert.equal((await engine.wait()).code, 0);

  async function count(): Promise<number> {
    const { stdout } = await machine.tsd("inspect", "c1");
    return JSON.parse(stdout)[0].RestartCount;
  }
});

Deno.test("an engine stays while a client waits, and exits after that was killed", requires("root"), async () => {
  await using setup = await Setup.start();
  const { machine, image } = setup;
  const engine = await setup.engine();
  await setup.pull();
  assert.equal((await machine.tsd("create", "--name", "c1", "--network", "none", image)).code, 0);
  {
    await using _waiting = machine.session("curl", [
      ...["--silent", "--no-buffer", "--user-agent", "tsd/0", "--unix-socket", "/run/tsd/tsd.sock"],
      ...["--request", "POST", "http://tsd/containers/c1/wait?condition=next-exit"],
    ]);
    assert.equal(await setup.stays(), true);
  }
  assert.equal((await engine.wait()).code, 0);
});

Deno.test("an engine stays while it pulls", requires("root"), async () => {
  await using setup = await Setup.start();
  const engine = await setup.engine();
  setup.registry.fail({ path: "*/manifests/*", fault: "delay", ms: 3 * IDLE_MS });
  await setup.pull();
  assert.equal((await engine.wait()).code, 0);
});

Deno.test("an engine stays once another client than tsd has used it", requires("root", "docker"), async () => {
  await using setup = await Setup.start();
  await setup.engine();
  const env = { DOCKER_HOST: "unix:///run/tsd/tsd.sock", HOME: "/nonexistent" };
  assert.equal((await setup.machine.run("docker", ["ps"], { env })).code, 0);
  assert.equal(await setup.stays(), true);
});

Deno.test("an engine that was not started on demand stays", requires("root"), async () => {
  await using setup = await Setup.start();
  await setup.engine([]);
  assert.equal(await setup.stays(), true);
});
