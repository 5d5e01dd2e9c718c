import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import { HookBus } from "../../plugins/mod.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import { OwnedFd } from "../../sys/mod.ts";
import type { Recording } from "../../store/event_records.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { ContainerSupervisor } from "./supervisor.ts";
import { EXITED, fakeContainer, recordedEvents, tableOf } from "./containers_testing.ts";
import { Waiters } from "./waiters.ts";

/** A container that runs, and what is done at its end, in order. */
function setup(released: Promise<void>) {
  const container = fakeContainer();
  const { reported: steps, events } = recordedEvents();
  const lines: string[] = [];
  const log = new LineLog((line) => lines.push(line));
  const waiters = new Waiters();
  const [releasing, cleaned] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const step = (name: string) => () => Promise.resolve(void steps.push(name));
  const runs = new ContainerSupervisor({
    ...{ log, events, waiters, locks: new KeyedLock(), table: tableOf(container) as never, launcher: {} as never },
    ...{ exits: {} as never, hooks: new HookBus([], log), streams: {} as never },
    signals: { started: () => undefined, hasKilled: () => false } as never,
    orphanedIntents: { settle: () => undefined } as never,
    oom: { end: () => false } as never,
    health: { begin: () => undefined, end: () => Promise.resolve() },
    restarts: {
      ended: (_: unknown, __: unknown, { recording }: { recording: Recording }) =>
        recording({ write: () => void (container.state = EXITED) }),
      cancel: () => false,
    } as never,
    networks: { close: step("close ports") },
    removals: {
      release: () => (releasing.resolve(), released.finally(() => steps.push("release"))),
      afterRun: () => step("clean")().then(cleaned.resolve),
      remove: () => Promise.resolve(),
    },
  });
  const io = { finish: step("finish output") } as unknown as ProcessStdio;
  const process = { pid: 7, startTicks: "1", pidFd: new OwnedFd(40, { close: () => undefined }) };
  runs.follow(container, process, io, Promise.resolve({ exitCode: 3 }));
  const wait = waiters.wait(container.id, "not-running", new AbortController().signal)
    .then(({ exitCode }) => void steps.push(`exit ${exitCode}`));
  return { steps, lines, container, wait, releasing: releasing.promise, cleaned: cleaned.promise };
}

Deno.test("an end is told once what others could see of the run is gone; the rest is cleared away behind it", async () => {
  const released = Promise.withResolvers<void>();
  const { steps, container, wait, releasing, cleaned } = setup(released.promise);
  await releasing;
  assert.deepEqual([steps, container.isRunning], [["finish output", "close ports"], true]);
  released.resolve();
  await Promise.all([wait, cleaned]);
  const [die] = steps.filter((each) => each.startsWith("die"));
  assert.deepEqual(steps.slice(0, 4), ["finish output", "close ports", "release", die]);
  assert.deepEqual(steps.slice(4).sort(), ["clean", "exit 3"]);
});

Deno.test("an end is told whatever goes wrong before", async () => {
  const { lines, wait, cleaned } = setup(Promise.reject(new Error("it is busy")));
  await Promise.all([wait, cleaned]);
  assert.match(lines.join(""), /ending a container's run failed.*it is busy/);
});
