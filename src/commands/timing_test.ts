import { strict as assert } from "node:assert";
import { FakeTerminal } from "../cli/terminal_testing.ts";
import { Client } from "../client/client.ts";
import { FakeEngine } from "../client/fake_engine_testing.ts";
import { TsdError } from "../errors.ts";
import type { CommandContext } from "./context.ts";
import { PhaseClock, renderTiming, runTimed } from "./timing.ts";

/** Creates a clock whose time is set manually. */
function clockAt(startMs: number) {
  const time = { ms: startMs };
  return { time, clock: new PhaseClock(startMs, () => time.ms) };
}

Deno.test("timing: phases are consecutive, and the table has the engine's parts and the total", () => {
  const { time, clock } = clockAt(-20);
  time.ms = 0;
  clock.lap("client start");
  time.ms = 1.5;
  clock.connected();
  clock.connected();
  clock.answered({ ms: 3.5, phases: [{ name: "engine", ms: 3 }] });
  time.ms = 5.5;
  clock.lap("create");
  const phases = [{ name: "mount", ms: 2 }, { name: "create", ms: 30 }, { name: "engine", ms: 40 }];
  clock.answered({ ms: 44, phases });
  time.ms = 50;
  clock.lap("start");
  assert.equal(
    renderTiming(clock.rows),
    [
      "phase                   ms",
      "client start          20.0",
      "connect                1.5",
      "create                 4.0",
      "  engine               3.0",
      "  request and answer   0.5",
      "  client               0.5",
      "start                 44.5",
      "  mount                2.0",
      "  create              30.0",
      "  engine, the rest     8.0",
      "  request and answer   4.0",
      "  client               0.5",
      "total                 70.0",
      "",
    ].join("\n"),
  );
});

Deno.test("timing: parts are omitted if requests overlap, the engine reports none, or something else took the time", () => {
  const { time, clock } = clockAt(0);
  const engine = { ms: 1, phases: [{ name: "engine", ms: 1 }] };
  clock.answered(engine);
  clock.answered({ ms: 1, phases: [] });
  clock.lap("attach and wait");
  clock.answered({ ms: 1, phases: [] });
  clock.lap("start");
  clock.answered(engine);
  time.ms = 100;
  clock.lap("run");
  assert.deepEqual(clock.rows.map(({ name }) => name), ["attach and wait", "start", "run", "total"]);
});

Deno.test("timing: the table is printed after a failure too", async () => {
  const terminal = new FakeTerminal();
  const engine = new Client(new FakeEngine(() => ({ json: {} })));
  const context: CommandContext = {
    ...{ terminal, engine, runningEngine: engine, startsOnDemand: false, hostFlag: undefined },
    serve: () => Promise.resolve(0),
  };
  const failing = runTimed(context, () => Promise.reject(new TsdError("conflict", "no")));
  await assert.rejects(failing, { code: "conflict" });
  assert.match(terminal.stderr, /^phase +ms\nclient start +\d+\.\d\nuntil the failure +\d+\.\d\ntotal +\d+\.\d\n$/);
});
