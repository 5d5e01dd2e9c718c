import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type HookContexts } from "../../plugins/mod.ts";
import { fakeContainer, recordedEvents } from "../containers/containers_testing.ts";
import type { Exec } from "./exec.ts";
import { ExecService, type ExecServiceDeps } from "./exec_service.ts";

Deno.test("what somebody wants to run is shown to plugins; what they refuse isn't made, and isn't told", async () => {
  const container = fakeContainer();
  const seen: HookContexts["container.exec"][] = [];
  const hooks = new HookBus([{
    ...{ name: "guard", apiVersion: 1 },
    hooks: {
      "container.exec": (context) => {
        seen.push(context);
        return context.command[0] === "sh" ? { refuse: "no shells" } : undefined;
      },
    },
  }], SILENT_LOG);
  const { reported, events } = recordedEvents();
  const deps = { table: { find: () => container }, launcher: {}, log: SILENT_LOG, events, hooks };
  const execs = new ExecService(deps as unknown as ExecServiceDeps);
  const id = await execs.createFor("web", { Cmd: ["id", "-u"], User: "7", Tty: true, Privileged: false });
  assert.equal(execs.inspect(id).ID, id);
  assert.deepEqual(seen, [{
    ...{ id: "c1", name: "web", image: "busybox", imageId: container.record.imageId, labels: {} },
    ...{ command: ["id", "-u"], user: "7", workingDir: "", tty: true, privileged: false },
  }]);
  await assert.rejects(
    execs.createFor("web", { Cmd: ["sh"] }),
    (thrown) => isTsdError(thrown, "permission_denied") && /Plugin guard refused.*: no shells/.test(thrown.message),
  );
  assert.equal(reported.length, 1, "the one that was made");
  // The engine's own: a health check is nobody's business.
  execs.create("web", { Cmd: ["sh"] });
  assert.equal(seen.length, 2);
});

Deno.test("what was made in a container and never started goes with the container", () => {
  const [removed, left] = [fakeContainer(), fakeContainer()];
  const { events } = recordedEvents();
  const table = { find: (name: string) => name === "gone" ? removed : left };
  const deps = { table, launcher: {}, log: SILENT_LOG, events, hooks: new HookBus([], SILENT_LOG) };
  const execs = new ExecService(deps as unknown as ExecServiceDeps);
  const [inRemoved, inOrphaned] = ["gone", "left"].map((name) => execs.create(name, { Cmd: ["id"] }));
  execs.containerRemoved(removed);
  assert.throws(() => execs.inspect(inRemoved!), { code: "exec_not_found" });
  assert.equal(execs.inspect(inOrphaned!).ID, inOrphaned);
});

Deno.test("a client of a former engine that doesn't come back: the input ends, a terminal stays", async () => {
  const container = fakeContainer();
  const { events } = recordedEvents();
  const closed: string[] = [];
  const io = (name: string, tty: boolean) => {
    const stdin = { close: () => Promise.resolve(void closed.push(name)) };
    return { tty, stdin, reopen: () => Promise.resolve() };
  };
  const launcher = { newIo: ({ id, request }: Exec) => io(id, request.Tty ?? false), restore: () => {} };
  const table = { find: () => container, has: () => true };
  const deps = { table, launcher, log: SILENT_LOG, events, hooks: new HookBus([], SILENT_LOG), awaitedMs: 1 };
  const execs = new ExecService(deps as unknown as ExecServiceDeps);
  const takeUp = (id: string, Tty: boolean) =>
    execs.takeUp({
      note: {
        ...{ id, containerId: "c1", request: { Cmd: ["cat"], AttachStdin: true, Tty }, status: "running", pid: 7 },
        ...{ startTicks: "1", exitCode: null, output: true, isOver: false },
      },
      streams: {},
      exit: new Promise(() => {}),
    });
  await takeUp("terminal", true);
  await takeUp("back", false);
  assert.equal(execs.inspect("back").TsdAwaited, true);
  execs.reattach("back");
  await takeUp("lost", false);
  while (execs.inspect("lost").TsdAwaited) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(closed, ["lost"]);
  assert.throws(() => execs.reattach("terminal"), { code: "conflict" });
});
