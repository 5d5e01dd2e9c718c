/** Offers malicious images to an engine, runs those that it accepts, and checks that the host is unchanged. */
import { strict as assert } from "node:assert";
import type { Engine, EngineOptions, RunResult } from "../harness/mod.ts";
import { type HostileImage, rootFindings, Victim } from "../images/mod.ts";
import { exists, untilNone } from "../engine/setup.ts";
import {
  clearFailure,
  listedImages,
  pullGoodImage,
  type PullSetup,
  startPullSetup,
  storeChanges,
  storeListing,
} from "./setup.ts";

export interface MaliciousSetup extends PullSetup {
  readonly victim: Victim;
  /** The listing of the store with nothing but a good image in it. */
  readonly clean: readonly string[];
}

export async function startMaliciousSetup(engine: EngineOptions = {}): Promise<MaliciousSetup> {
  await using undo = new AsyncDisposableStack();
  const victim = undo.use(await Victim.create());
  const setup = undo.use(await startPullSetup({ engine }));
  await checkAlive(setup);
  // The first volume creates the directory of all, which stays.
  for (const verb of ["create", "rm"]) assert.equal((await setup.engine.tsd(["volume", verb, "first"])).code, 0);
  const clean = await storeListing(setup.engine);
  const owned = undo.move();
  return { ...setup, victim, clean, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The machine's static busybox, added to containers of images without a program. */
const BUSYBOX = "/busybox-tsd";
const NETWORK = ["--network", "none"];

/** Pulls the image, runs it if that works, removes it, and checks that it had no effect. */
export async function tryHostile(setup: MaliciousSetup, hostile: HostileImage): Promise<void> {
  const { engine, registry, victim, clean } = setup;
  const repo = `hostile/${hostile.name.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}`;
  const reference = registry.add(repo, "1", await hostile.build(victim));
  const pull = await engine.tsd(["pull", "-q", reference]);
  if (pull.code === 0) {
    await using undo = new AsyncDisposableStack();
    undo.defer(() => remove(engine, reference));
    await runTaken(setup, hostile, reference);
  } else {
    clearFailure(pull, hostile.name);
    assert.notEqual(hostile.expect, "contained", `${hostile.name} was refused: ${pull.stderr}`);
    assert.equal((await listedImages(engine)).length, 1);
  }
  assert.deepEqual(await victim.changes(), [], hostile.name);
  await untilNone(() => storeChanges(engine, clean));
}

/** Runs an accepted image; if the attack is in its configuration, it may still be refused at the start. */
async function runTaken(setup: MaliciousSetup, hostile: HostileImage, reference: string): Promise<void> {
  const { engine, victim } = setup;
  if (hostile.kind === "config") {
    const run = await engine.tsd(["run", "--rm", ...NETWORK, reference, "true"]);
    checkRun(hostile, run);
  } else {
    assert.notEqual(hostile.expect, "refused", `${hostile.name} was pulled`);
    await lookInside(engine, hostile, reference);
  }
  if (hostile.probe) await probe(engine, hostile, reference);
  assert.deepEqual(await victim.changes(), [], `${hostile.name}, when it ran`);
}

/** Removes the image, with containers that a failed check left. */
async function remove(engine: Engine, reference: string): Promise<void> {
  await engine.removeContainers();
  const { code, stderr } = await engine.tsd(["rmi", reference]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
}

/** Checks that it ran, or that its start failed with one line; an invalid value must not be an internal error. */
export function checkRun(hostile: HostileImage, { code, stderr }: RunResult): void {
  if (code === 0) {
    assert.equal(stderr, "", hostile.name);
    assert.notEqual(hostile.expect, "refused", `${hostile.name} ran`);
    return;
  }
  assert.notEqual(hostile.expect, "contained", `${hostile.name}: ${stderr}`);
  assert.ok([125, 126, 127].includes(code), `${hostile.name}: exit code ${code}`);
  assert.match(stderr, /^tsd: [^\n]+\n$/, hostile.name);
  assert.doesNotMatch(stderr, /\.[tj]s:\d|undefined|\[object/, hostile.name);
}

/** Starts a container with busybox, examines its root from the host, and walks through it from inside. */
async function lookInside(engine: Engine, hostile: HostileImage, reference: string): Promise<void> {
  const program = ["-v", `/bin/busybox:${BUSYBOX}:ro`, reference, BUSYBOX];
  const run = await engine.tsd(["run", "-d", ...NETWORK, ...program, "sleep", "1000"]);
  assert.deepEqual([run.code, run.stderr], [0, ""], hostile.name);
  const id = run.stdout.trim();
  const root = `${engine.layerRoot}/snapshots/${id}/merged`;
  assert.ok(await exists(`${root}${BUSYBOX}`), "the root is mounted where it is looked at");
  assert.deepEqual(await rootFindings(hostile, root), [], hostile.name);
  const walk = await engine.tsd(["exec", id, BUSYBOX, "find", "/", "-xdev", "-type", "f", "-print0"]);
  // A whiteout in a directory that is not merged is listed by overlayfs, but cannot be opened.
  assert.match(walk.stderr, /^(find: \S+: No such file or directory\n)*$/, hostile.name);
  const removed = await engine.tsd(["rm", "-f", id]);
  assert.equal(removed.code, 0, removed.stderr);
}

async function probe(engine: Engine, hostile: HostileImage, reference: string): Promise<void> {
  const { command, expect } = hostile.probe!;
  const { code, stdout } = await engine.tsd(["run", "--rm", ...NETWORK, reference, ...command]);
  if (expect === "fails") assert.notEqual(code, 0, hostile.name);
  else assert.deepEqual([code, stdout], [0, expect.stdout], hostile.name);
}

/** Checks that the engine answers, and that honest images can be pulled and run. */
export async function checkAlive(setup: PullSetup): Promise<void> {
  assert.equal((await setup.engine.api.get("/_ping")).status, 200);
  const reference = await pullGoodImage(setup);
  const run = await setup.engine.tsd(["run", "--rm", ...NETWORK, reference, "echo", "alive"]);
  assert.deepEqual(run, { code: 0, stdout: "alive\n", stderr: "" });
}
