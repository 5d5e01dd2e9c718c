import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { type FakeAnswer, FakeEngine, FakeRawStream } from "../../client/fake_engine_testing.ts";
import type { EngineRequest } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";

const ID = "c0ffee".padEnd(64, "0");
const text = (string: string) => new TextEncoder().encode(string);

const frame = (type: number, payload: string): Uint8Array =>
  new Uint8Array([type, 0, 0, 0, 0, 0, 0, payload.length, ...text(payload)]);

/** An engine that returns the exec's states in turn and its remaining streams, and records the requests. */
function execEngine(inspections: (object | TsdError)[], output: Uint8Array[] = []): FakeEngine {
  const answer = (): FakeAnswer => {
    const next = inspections.length > 1 ? inspections.shift()! : inspections[0]!;
    if (next instanceof TsdError) throw next;
    return { json: next };
  };
  return new FakeEngine(answer, () => new FakeRawStream(true, output));
}

Deno.test("resume exec: a running process's streams and exit code are passed on", async () => {
  const engine = execEngine([{ TsdAwaited: true, Running: true, ExitCode: null }, { Running: false, ExitCode: 7 }], [
    frame(1, "out\n"),
    frame(2, "err\n"),
  ]);
  assert.deepEqual(await callTsd(engine, ["__resume", "exec", "e1"]), { code: 7, out: "out\n", err: "err\n" });
  assert.deepEqual(engine.calls.slice(0, 2), ["GET /exec/e1/json", "POST /tsd/exec/e1/attach"]);
});

Deno.test("resume exec: an exited process gives its exit code, an unknown one an error", async () => {
  const ended = execEngine([{ TsdAwaited: false, Running: false, ExitCode: 3 }]);
  assert.deepEqual(await callTsd(ended, ["__resume", "exec", "e1"]), { code: 3, out: "", err: "" });
  const lost = "tsd: The connection to the command of exec e1 was lost";
  const unknown = execEngine([{ Running: false, ExitCode: null }]);
  assert.deepEqual(await callTsd(unknown, ["__resume", "exec", "e1"]), {
    ...{ code: 1, out: "" },
    err: `${lost}; it has ended, and its exit code is unknown\n`,
  });
  const forgotten = execEngine([new TsdError("exec_not_found", "No such exec instance: e1")]);
  assert.deepEqual(await callTsd(forgotten, ["__resume", "exec", "e1"]), {
    ...{ code: 1, out: "" },
    err: `${lost}; it may still run\n`,
  });
});

function runEngine(exit: FakeAnswer | TsdError, output: Uint8Array[], attach?: TsdError): FakeEngine {
  const answer = ({ path }: EngineRequest): FakeAnswer => {
    if (path.endsWith("/kill")) return { bytes: [] };
    if (exit instanceof TsdError) throw exit;
    return exit;
  };
  return new FakeEngine(answer, () => {
    if (attach !== undefined) throw attach;
    return new FakeRawStream(true, output);
  });
}

/** Clears timers on disposal: the streams of an exited container get another second, which no test waits for. */
function noTimersLeft(): Disposable {
  const real = globalThis.setTimeout;
  const started: ReturnType<typeof real>[] = [];
  globalThis.setTimeout = ((...args: Parameters<typeof real>) => {
    const timer = real(...args);
    started.push(timer);
    return timer;
  }) as typeof real;
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = real;
      started.forEach((timer) => clearTimeout(timer));
    },
  };
}

Deno.test("resume run: attaches and waits without starting the container", async () => {
  using _timers = noTimersLeft();
  for (const [flags, condition] of [[[], "not-running"], [["--rm=true"], "removed"]] as const) {
    const engine = runEngine({ json: { StatusCode: 6 } }, [frame(1, "rest\n")]);
    assert.deepEqual(await callTsd(engine, ["__resume", "run", ...flags, ID]), { code: 6, out: "rest\n", err: "" });
    assert.deepEqual(engine.calls, [`POST /containers/${ID}/attach`, `POST /containers/${ID}/wait`]);
    assert.deepEqual(engine.requests[1]?.query, { condition });
    assert.equal((engine.requests[0]?.query as { stdin?: boolean }).stdin, false);
  }
});

Deno.test("resume run: signals are forwarded to the container, except with --sig-proxy=false", async () => {
  using _timers = noTimersLeft();
  for (const [flag, handled] of [["--sig-proxy=true", true], ["--sig-proxy=false", false]] as const) {
    const terminal = new FakeTerminal();
    const held = Promise.withResolvers<Uint8Array>();
    const output = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(await held.promise);
        controller.close();
      },
    });
    const engine = new FakeEngine(() => ({ json: { StatusCode: 0 } }), () => new FakeRawStream(true, output));
    const going = callTsd(engine, ["__resume", "run", flag, ID], { terminal });
    while (engine.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    terminal.raise("SIGTERM");
    held.resolve(frame(1, "end\n"));
    assert.equal((await going).out, "end\n");
    assert.equal(engine.calls.includes(`POST /containers/${ID}/kill`), handled);
  }
});

Deno.test("resume run: a removed container has no exit code", async () => {
  const removed = new TsdError("container_not_found", `No such container: ${ID}`);
  const { code, err } = await callTsd(runEngine(removed, [], removed), ["__resume", "run", "--rm=true", ID]);
  assert.deepEqual([code, err], [125, `tsd: No such container: ${ID}\n`]);
});

Deno.test("resume: unknown commands and arguments are refused", async () => {
  const engine = execEngine([{}]);
  const { code, err } = await callTsd(engine, ["__resume", "pull", "x"]);
  assert.deepEqual([code, err], [1, "tsd: unknown command: tsd __resume\nSee 'tsd --help'.\n"]);
  assert.equal((await callTsd(engine, ["__resume", "exec"])).code, 1);
  assert.deepEqual(engine.calls, []);
});

Deno.test("resume: is hidden from help", async () => {
  assert.doesNotMatch((await callTsd(execEngine([{}]), ["--help"])).out, /__resume/);
});
