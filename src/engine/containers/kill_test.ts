import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { errnoOf, OwnedFd, SysError } from "../../sys/mod.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import type { ContainerState } from "../model/container.ts";
import { fakeContainer, recordedEvents, RUNNING, runtimesOf, tableOf } from "./containers_testing.ts";
import { Freezer } from "./freezer.ts";
import { SignalSender } from "./kill.ts";

const PAUSED = { ...RUNNING, status: "paused" } as ContainerState;

function bench(state: ContainerState, stopSignal?: string) {
  const container = fakeContainer(state, { config: stopSignal === undefined ? {} : { StopSignal: stopSignal } });
  const { reported, events } = recordedEvents();
  const runtimes = runtimesOf({ setFrozen: () => Promise.resolve() });
  const health = { pause: () => Promise.resolve(), resume: () => undefined };
  const cgroups = { isFrozen: () => false, thaw: () => undefined };
  const freezer = new Freezer({ events, table: tableOf(container), locks: new KeyedLock(), runtimes, cgroups, health });
  const sent: string[] = [];
  const made = { isRemoved: false, sent, reported, container };
  const processes = {
    pidfdSendSignal: (fd: number, signal: number) => {
      if (made.isRemoved) throw new SysError("pidfd_send_signal", errnoOf("ESRCH"));
      sent.push(`${fd} ${signal}`);
    },
  };
  const process = { pid: 7, startTicks: "1", pidFd: new OwnedFd(40, { close: () => undefined }) };
  return Object.assign(made, { process, signals: new SignalSender({ processes, freezer, events, log: SILENT_LOG }) });
}

Deno.test("a signal is sent and told of; only a SIGKILL counts as one", async () => {
  const it = bench(RUNNING);
  await it.signals.send(it.container, it.process, 15);
  assert(!it.signals.hasKilled(it.process));
  await it.signals.send(it.container, it.process, 9);
  assert(it.signals.hasKilled(it.process));
  assert.deepEqual([it.sent, it.reported], [["40 15", "40 9"], ["kill signal=15", "kill signal=9"]]);
});

Deno.test("a process that has just ended needs no signal", async () => {
  const it = bench(RUNNING);
  it.isRemoved = true;
  await it.signals.send(it.container, it.process, 15);
  assert.deepEqual(it.sent, []);
});

Deno.test("a paused process goes on for what may end it, and for nothing else", async () => {
  const cases: [signal: number, stopSignal: string | undefined, status: string][] = [
    [15, undefined, "running"],
    [10, undefined, "running"],
    [10, "SIGTERM", "paused"],
    [15, "SIGTERM", "running"],
    [9, "SIGTERM", "running"],
  ];
  for (const [signal, stopSignal, status] of cases) {
    const it = bench(PAUSED, stopSignal);
    await it.signals.send(it.container, it.process, signal);
    assert.equal(it.container.state.status, status, `${signal} ${stopSignal}`);
    assert.deepEqual(it.reported, [`kill signal=${signal}`, ...status === "running" ? ["unpause"] : []]);
  }
  const locked = bench(PAUSED);
  await locked.signals.kill(locked.container, locked.process);
  assert.deepEqual(locked.reported, ["kill signal=9", "unpause"]);
});
