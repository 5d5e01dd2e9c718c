import { strict as assert } from "node:assert";
import { TsdError } from "../errors.ts";
import { autostarting, type EngineExit, type StartedEngine } from "./autostart.ts";
import type { Connection } from "./connection.ts";
import { ScriptedConnection } from "./fake_engine_testing.ts";

const nobody = () => new TsdError("engine_unavailable", "nobody");

function setUp({ answersAfter, exited = new Promise<EngineExit>(() => {}), uid = 0, timeoutMs = 200 }: {
  answersAfter: number;
  exited?: Promise<EngineExit>;
  uid?: number;
  timeoutMs?: number;
}) {
  let launches = 0;
  let attempts = 0;
  const connect = (): Promise<Connection> =>
    attempts++ < answersAfter ? Promise.reject(nobody()) : Promise.resolve(new ScriptedConnection([]));
  const launch = (): StartedEngine => ({ exited: (launches++, exited) });
  return {
    connect: (logPath = "/nonexistent/engine.log") => autostarting(connect, { launch, uid, logPath, timeoutMs })(),
    launches: () => launches,
  };
}

Deno.test("autostart: an engine that answers is used, one that doesn't is started once and waited for", async () => {
  const running = setUp({ answersAfter: 0 });
  await running.connect();
  assert.equal(running.launches(), 0);
  const stopped = setUp({ answersAfter: 4 });
  await stopped.connect();
  assert.equal(stopped.launches(), 1);
});

Deno.test("autostart: losing the race against another engine is fine", async () => {
  const raced = setUp({ answersAfter: 5, exited: Promise.resolve({ code: 0, stderr: "" }) });
  await raced.connect();
  assert.equal(raced.launches(), 1);
});

Deno.test("autostart: an engine that dies shows the end of its log, soon", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/engine.log`, Array.from({ length: 9 }, (_, line) => `line ${line}\n`).join(""));
    const exited = Promise.resolve({ code: 1, stderr: "" });
    const dying = setUp({ answersAfter: Infinity, exited, timeoutMs: 60_000 });
    await assert.rejects(dying.connect(`${dir}/engine.log`), (thrown) => {
      assert(thrown instanceof TsdError);
      assert.match(
        thrown.message,
        /^Cannot start the engine: it ended with exit code 1 before it answered; the end of /,
      );
      assert(thrown.message.endsWith("  line 4\n  line 5\n  line 6\n  line 7\n  line 8"));
      return true;
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  const mute = setUp({ answersAfter: Infinity, exited: Promise.resolve({ code: 125, stderr: "tsd: no\n" }) });
  await assert.rejects(mute.connect(), /exit code 125 before it answered:\n {2}tsd: no$/);
});

Deno.test("autostart: a silent engine runs into the time limit; an ordinary user gets one line", async () => {
  await assert.rejects(setUp({ answersAfter: Infinity }).connect(), /doesn't answer on its socket/);
  const user = setUp({ answersAfter: Infinity, uid: 1000 });
  await assert.rejects(user.connect(), (thrown) => thrown instanceof TsdError && thrown.code === "permission_denied");
  assert.equal(user.launches(), 0);
});
