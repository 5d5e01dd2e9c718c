import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import type { Container, ContainerState } from "../model/container.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING, runtimesOf, tableOf } from "./containers_testing.ts";
import { Freezer } from "./freezer.ts";

interface Bench {
  readonly container: Container;
  readonly freezer: Freezer;
  readonly reported: readonly string[];
  /** What the runtime was asked for. */
  readonly steps: string[];
  /** What the runtime does meanwhile. */
  during: () => void;
  isFrozen: boolean;
  /** The kernel can't resume it either. */
  isStuck: boolean;
}

function bench(state: ContainerState = RUNNING): Bench {
  const container = fakeContainer(state);
  const { reported, events } = recordedEvents();
  const made: Bench = {
    container,
    reported,
    steps: [],
    during: () => undefined,
    isFrozen: false,
    isStuck: false,
    freezer: null!,
  };
  const freezer = new Freezer({
    events,
    table: tableOf(container),
    locks: new KeyedLock(),
    runtimes: runtimesOf({
      setFrozen: (_: string, frozen: boolean) => {
        made.steps.push(frozen ? "freeze" : "thaw");
        made.during();
        return Promise.resolve();
      },
    }),
    cgroups: {
      isFrozen: () => made.isFrozen,
      thaw: () => {
        made.steps.push("thaw by the kernel");
        made.isFrozen = made.isStuck;
      },
    },
    health: {
      pause: () => Promise.resolve(void made.steps.push("probes pause")),
      resume: () => void made.steps.push("probes resume"),
    },
  });
  return Object.assign(made, { freezer });
}

const refusal = (code: ErrorCode, message: RegExp) => (thrown: unknown) =>
  isTsdError(thrown, code) && message.test(thrown.message);

Deno.test("pause and unpause: the runtime, the state, the event", async () => {
  const it = bench();
  await it.freezer.pause("web");
  assert.deepEqual(it.container.state, { ...RUNNING, status: "paused" });
  assert(it.container.isRunning && it.container.isPaused);
  await it.freezer.unpause("web");
  assert.deepEqual(it.container.state, RUNNING);
  assert.deepEqual([it.steps, it.reported], [
    ["probes pause", "freeze", "thaw", "probes resume"],
    ["pause", "unpause"],
  ]);
});

Deno.test("pause and unpause: Docker's words where there is nothing to do", async () => {
  const running = bench();
  await assert.rejects(running.freezer.unpause("web"), refusal("conflict", /^Container c1 is not paused$/));
  await running.freezer.pause("web");
  await assert.rejects(running.freezer.pause("web"), refusal("conflict", /^Container c1 is already paused$/));
  await assert.rejects(bench(EXITED).freezer.pause("web"), refusal("not_running", /^container c1 is not running$/));
  assert.deepEqual(running.steps, ["probes pause", "freeze"]);
});

Deno.test("pause: a container that ends meanwhile has ended; a runtime that fails changes nothing", async () => {
  const ending = bench();
  ending.during = () => ending.container.state = EXITED;
  await ending.freezer.pause("web");
  assert.deepEqual([ending.container.state, ending.reported], [EXITED, []]);
  const failing = bench();
  failing.during = () => {
    throw new TsdError("timeout", "no freezer");
  };
  await assert.rejects(failing.freezer.pause("web"), refusal("timeout", /no freezer/));
  assert.equal(failing.container.state.status, "running");
  assert.deepEqual(failing.steps, ["probes pause", "freeze", "probes resume"]);
});

Deno.test("unpause: the kernel resumes what the runtime has lost, also what was frozen without the engine", async () => {
  const lost = () => {
    throw new TsdError("runtime_failed", "container does not exist");
  };
  const paused = { ...RUNNING, status: "paused" } as ContainerState;
  const it = Object.assign(bench(paused), { during: lost, isFrozen: true });
  await it.freezer.unpause("web");
  assert.deepEqual([it.container.state, it.reported], [RUNNING, ["unpause"]]);
  const stuck = Object.assign(bench(paused), { during: lost, isFrozen: true, isStuck: true });
  await assert.rejects(stuck.freezer.unpause("web"), refusal("runtime_failed", /does not exist/));
  assert.deepEqual([stuck.container.state, stuck.reported], [paused, []]);
  const outside = Object.assign(bench(), { isFrozen: true });
  await outside.freezer.thawInTurn(outside.container);
  assert.deepEqual([outside.steps, outside.reported, outside.isFrozen], [["thaw by the kernel"], [], false]);
});

Deno.test("pause: two at once are one pause and one refusal", async () => {
  const it = bench();
  const results = await Promise.allSettled([it.freezer.pause("web"), it.freezer.pause("web")]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("thawing what isn't frozen does nothing; what the kernel says is recorded", async () => {
  const it = bench();
  await it.freezer.thawInTurn(it.container);
  assert.deepEqual(it.steps, []);
  it.isFrozen = true;
  it.freezer.reconcile(it.container);
  it.freezer.reconcile(it.container);
  assert.equal(it.container.state.status, "paused");
  it.isFrozen = false;
  it.freezer.reconcile(it.container);
  assert.deepEqual([it.container.state.status, it.reported], ["running", ["pause", "unpause"]]);
});

Deno.test("a pause that the runtime gives up on is attempted again, for as long as the container runs", async () => {
  const busy = bench();
  let failures = 2;
  busy.during = () => {
    if (failures-- > 0) throw new TsdError("runtime_failed", "runc pause failed: unable to freeze");
  };
  await busy.freezer.pause("box");
  assert.deepEqual([busy.container.isPaused, busy.steps.filter((step) => step === "freeze").length], [true, 3]);

  const stuck = bench();
  stuck.during = () => {
    throw new TsdError("runtime_failed", "runc pause failed: unable to freeze");
  };
  await assert.rejects(stuck.freezer.pause("box"), refusal("runtime_failed", /unable to freeze/));
  assert.deepEqual([stuck.container.isPaused, stuck.steps.filter((step) => step === "freeze").length], [false, 5]);
  assert.equal(stuck.steps.at(-1), "probes resume");
});
