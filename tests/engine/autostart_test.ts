/** The default engine, which the first client starts: in a mount namespace where its directories are empty. */
import { strict as assert } from "node:assert";
import { executable, processState, runCommand, startEngine } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { busyboxImage } from "../images/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { EMPTY_FIELDS, Machine } from "./machine.ts";
import { exists, until } from "./setup.ts";

Deno.test("the first command starts an engine, which logs that", requires("root"), async () => {
  await using machine = await Machine.open(EMPTY_FIELDS);
  const first = await machine.tsd("ps");
  assert.deepEqual([first.code, first.stderr], [0, ""]);
  assert.match(first.stdout, /^CONTAINER ID/);
  const log = await Deno.readTextFile(machine.path("/run/tsd/engine.log"));
  assert.match(log, /listening socket=\/run\/tsd\/tsd\.sock dataRoot=\/var\/lib\/tsd/);
  const [pid, ...others] = await machine.engines();
  assert.deepEqual(others, []);
  // A separate session, the root as its working directory, and no descriptors of its starter.
  assert.equal(await Deno.readLink(`/proc/${pid}/cwd`), "/");
  assert.equal(await sessionOf(pid!), pid);
  const mode = (await Deno.stat(machine.path("/run/tsd/tsd.sock"))).mode! & 0o777;
  assert.ok([0o600, 0o660].includes(mode), mode.toString(8));
  assert.equal((await Deno.stat(machine.path("/run/tsd"))).mode! & 0o007, 0);
  assert.equal((await machine.tsd("ps")).code, 0);
  assert.deepEqual(await machine.engines(), [pid]);
});

Deno.test("ten concurrent first commands get one engine", requires("root"), async () => {
  await using machine = await Machine.open(EMPTY_FIELDS);
  const results = await Promise.all(Array.from({ length: 10 }, () => machine.tsd("ps", "-q")));
  for (const { code, stderr } of results) assert.deepEqual([code, stderr], [0, ""]);
  // The other engines see that one is running, and exit.
  await until("one engine", async () => (await machine.engines()).length === 1);
  const log = await Deno.readTextFile(machine.path("/run/tsd/engine.log"));
  assert.equal(log.match(/ listening /g)?.length, 1);
});

Deno.test(
  "containers of the default engine run, and survive it",
  requires("root", "runc", "docker"),
  async () => {
    await using machine = await Machine.open(EMPTY_FIELDS);
    await using registry = startScriptedRegistry();
    const image = registry.add("busybox", "1", await busyboxImage());
    assert.equal((await machine.tsd("pull", "-q", image)).code, 0);
    const started = await machine.tsd("run", "-d", "--name", "c1", "--network", "none", image, "sleep", "1000");
    assert.equal(started.code, 0, started.stderr);
    // Its cgroup is in the host's hierarchy, so it must be removed in any case.
    await using _removed = { [Symbol.asyncDispose]: async () => void await machine.tsd("rm", "-f", "c1") };
    const [pid] = await machine.engines();
    // An open request keeps the engine running for a while after it closed its socket; the next client arrives just
    // then.
    const before = await steady(() => socketsOf(pid!));
    // By a client process: a command that the engine runs has no connection.
    await using _waiting = machine.session(executable(), ["-H", "unix:///run/tsd/tsd.sock", "wait", "c1"]);
    await until("the request", async () => await socketsOf(pid!) > before);
    Deno.kill(pid!, "SIGTERM");
    await until("the end of its socket", () => exists(machine.path("/run/tsd/tsd.sock")).then((there) => !there));
    assert.match((await machine.tsd("ps")).stdout, /\bUp .*\bc1\n$/);
    const docker = await machine.run("docker", ["ps", "--format", "{{.Names}} {{.State}}"], {
      env: { DOCKER_HOST: "unix:///run/tsd/tsd.sock", HOME: "/nonexistent" },
    });
    assert.deepEqual([docker.code, docker.stdout], [0, "c1 running\n"]);
    assert.deepEqual(await machine.tsd("rm", "-f", "c1"), { code: 0, stdout: "c1\n", stderr: "" });
    assert.deepEqual((await machine.mountPoints()).filter((point) => point.startsWith("/var/lib/")), []);
  },
);

/** Polls a count until it is stable: connections of exited clients close a little after the clients. */
async function steady(count: () => Promise<number>): Promise<number> {
  let last = await count();
  for (let same = 0; same < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = await count();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

Deno.test("-H has precedence over TSD_HOST, TSD_HOST over DOCKER_HOST, and none of them starts an engine", {
  ...requires("root"),
}, async () => {
  await using machine = await Machine.open(EMPTY_FIELDS);
  await using engine = await startEngine();
  const nowhere = "unix:///nonexistent/tsd.sock";
  const ps = (args: string[], env: Record<string, string>) => machine.run(executable(), [...args, "ps", "-q"], { env });
  const good: [string[], Record<string, string>][] = [
    [["-H", engine.host], { TSD_HOST: nowhere, DOCKER_HOST: nowhere }],
    [[], { TSD_HOST: engine.host, DOCKER_HOST: nowhere }],
    [[], { DOCKER_HOST: engine.host }],
  ];
  for (const [args, env] of good) {
    const { code, stderr } = await ps(args, env);
    assert.deepEqual([code, stderr], [0, ""], JSON.stringify([args, env]));
  }
  const bad: [string[], Record<string, string>][] = [
    [["-H", nowhere], { TSD_HOST: engine.host, DOCKER_HOST: engine.host }],
    [[], { TSD_HOST: nowhere, DOCKER_HOST: engine.host }],
    [[], { DOCKER_HOST: nowhere }],
  ];
  for (const [args, env] of bad) {
    const { code, stderr } = await ps(args, env);
    assert.equal(code, 1, JSON.stringify([args, env]));
    assert.match(stderr, /^tsd: Cannot connect to the engine at unix:\/\/\/nonexistent\/tsd\.sock: [^\n]+\n$/);
  }
  assert.deepEqual(await machine.engines(), []);
});

Deno.test("an unprivileged user gets one line", requires("root"), async () => {
  await using machine = await Machine.open(EMPTY_FIELDS);
  const cache = await Deno.makeTempDir({ prefix: "tsd-nobody-" });
  try {
    await Deno.chown(cache, 65534, 65534);
    const asNobody = (...args: string[]) =>
      machine.run("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", executable(), ...args], {
        env: { TSD_CACHE_DIR: cache, HOME: "/nonexistent" },
      });
    const without = await asNobody("ps");
    assert.deepEqual([without.code, without.stdout], [1, ""]);
    assert.match(without.stderr, /^tsd: No engine is running and only root can start one: [^\n]+\n$/);
    const daemon = await asNobody("daemon");
    assert.match(daemon.stderr, /^tsd: Cannot start the engine: tsd needs root [^\n]+\n$/);
    assert.equal(daemon.code, 1);
    // With an engine running, the socket refuses the connection.
    assert.equal((await machine.tsd("ps", "-q")).code, 0);
    const refused = await asNobody("ps");
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^tsd: Cannot connect to the engine at [^\n]+permission denied[^\n]+\n$/);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("an engine that fails to start reports why to the client that started it", requires("root"), async () => {
  await using machine = await Machine.open(
    `${EMPTY_FIELDS}; mkdir /var/lib/tsd; echo garbage-garbage-garbage-garbage >/var/lib/tsd/tsd.db`,
  );
  const { code, stderr } = await machine.tsd("ps");
  assert.equal(code, 1);
  assert.match(stderr, /^tsd: Cannot start the engine: [^\n]+\n$/);
  assert.match(stderr, /Cannot open the database \/var\/lib\/tsd\/tsd\.db/);
});

async function socketsOf(pid: number): Promise<number> {
  return (await processState(pid)).descriptors.filter((target) => target.startsWith("socket:")).length;
}

async function sessionOf(pid: number): Promise<number> {
  const { stdout } = await runCommand("ps", ["-o", "sid=", "-p", String(pid)]);
  return Number(stdout);
}
