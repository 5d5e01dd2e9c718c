import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type HookContexts } from "../../plugins/mod.ts";
import { fakeContainer, recordedEvents } from "../containers/fake.ts";
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
  const { told, events } = recordedEvents();
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
  assert.equal(told.length, 1, "the one that was made");
  // The engine's own: a health check is nobody's business.
  execs.create("web", { Cmd: ["sh"] });
  assert.equal(seen.length, 2);
});

Deno.test("what was made in a container and never started goes with the container", () => {
  const [gone, left] = [fakeContainer(), fakeContainer()];
  const { events } = recordedEvents();
  const table = { find: (name: string) => name === "gone" ? gone : left };
  const deps = { table, launcher: {}, log: SILENT_LOG, events, hooks: new HookBus([], SILENT_LOG) };
  const execs = new ExecService(deps as unknown as ExecServiceDeps);
  const [inGone, inLeft] = ["gone", "left"].map((name) => execs.create(name, { Cmd: ["id"] }));
  execs.containerRemoved(gone);
  assert.throws(() => execs.inspect(inGone!), { code: "exec_not_found" });
  assert.equal(execs.inspect(inLeft!).ID, inLeft);
});
