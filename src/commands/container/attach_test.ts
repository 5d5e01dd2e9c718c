import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { FakeEngine, FakeRawStream } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const ID = "i".repeat(64);
const RUNNING = { Running: true, Paused: false, Restarting: false };
const text = (line: string) => new TextEncoder().encode(line);

function engineFor(
  { config = {}, states = [RUNNING], raw = new FakeRawStream(false, [text("hi\r\n")]), exitCode = 0 }: {
    config?: Record<string, boolean>;
    states?: readonly unknown[];
    raw?: FakeRawStream;
    exitCode?: number;
  } = {},
): FakeEngine {
  const left = [...states];
  return new FakeEngine(
    ({ path }) => {
      if (!path.endsWith("/json")) return { json: { StatusCode: exitCode } };
      const State = left.length > 1 ? left.shift() : left[0];
      return { json: { Id: ID, Config: { OpenStdin: true, Tty: true, ...config }, State } };
    },
    () => raw,
  );
}

const atTerminal = (stdin: string | ReadableStream<Uint8Array> = new ReadableStream()) =>
  new FakeTerminal({ ttys: ["stdin", "stdout"], stdin });
const query = (engine: FakeEngine, end: string) => engine.requests.find(({ path }) => path.endsWith(end))?.query;

Deno.test("attach: passes output and exit code, and makes the program repaint", async () => {
  const engine = engineFor({ exitCode: 4 });
  const terminal = atTerminal();
  assert.deepEqual(await callTsd(engine, ["attach", "box"], { terminal }), { code: 4, out: "hi\r\n", err: "" });
  assert.equal(terminal.raw, false);
  assert.deepEqual(query(engine, "/attach"), { stream: true, stdin: true, stdout: true, stderr: true });
  const sizes = engine.requests.filter(({ path }) => path.endsWith("/resize")).map(({ query }) => query);
  assert.deepEqual(sizes, [{ h: 25, w: 81 }, { h: 24, w: 80 }]);
});

Deno.test("attach: the detach keys end the session", async () => {
  const typed = new ReadableStream({ start: (controller) => controller.enqueue(text("x\x10\x11")) });
  const terminal = atTerminal(typed);
  const raw = new FakeRawStream(false, new ReadableStream());
  const result = await callTsd(engineFor({ raw }), ["attach", "box"], { terminal });
  assert.deepEqual(result, { code: 1, out: "", err: "read escape sequence\n" });
  assert.deepEqual([terminal.raw, raw.disposed, raw.input.map((each) => [...each])], [false, true, [[120]]]);
});

Deno.test("attach --no-stdin: requires no terminal and forwards no input", async () => {
  const engine = engineFor();
  const { code, out } = await callTsd(engine, ["attach", "--no-stdin", "--detach-keys", "a", "box"]);
  assert.deepEqual([code, out], [0, "hi\r\n"]);
  assert.deepEqual(query(engine, "/attach"), {
    ...{ stream: true, stdin: false, stdout: true, stderr: true, detachKeys: "a" },
  });
});

Deno.test("attach: containers that aren't running are refused with Docker's messages", async () => {
  const piped = await callTsd(engineFor(), ["attach", "box"]);
  assert.deepEqual(piped, { code: 1, out: "", err: "the input device is not a TTY\n" });
  const refused: [Record<string, boolean>, string][] = [
    [{ Running: false }, "You cannot attach to a stopped container, start it first\n"],
    [{ Paused: true }, "You cannot attach to a paused container, unpause it first\n"],
    [{ Restarting: true }, "You cannot attach to a restarting container, wait until it is running\n"],
  ];
  for (const [state, err] of refused) {
    const engine = engineFor({ states: [{ ...RUNNING, ...state }] });
    assert.deepEqual(await callTsd(engine, ["attach", "box"]), { code: 1, out: "", err });
    assert.equal(engine.calls.length, 1);
  }
  const raw = new FakeRawStream(false, new ReadableStream());
  const ended = engineFor({ raw, states: [RUNNING, { ...RUNNING, Running: false }] });
  const late = await callTsd(ended, ["attach", "box"], { terminal: atTerminal() });
  assert.deepEqual([late.code, late.err], [1, refused[0][1]]);
  assert.equal(raw.disposed, true);
});

Deno.test("attach: signals are forwarded to a container without a terminal", async () => {
  const terminal = new FakeTerminal();
  const ended = Promise.withResolvers<void>();
  const output = new ReadableStream<Uint8Array>({ start: (it) => ended.promise.then(() => it.close()) });
  const engine: FakeEngine = new FakeEngine(({ path, query }) => {
    if (path.endsWith("/kill") && query?.signal === "SIGINT") ended.resolve();
    const Config = { OpenStdin: false, Tty: false };
    return { json: { Id: ID, Config, State: RUNNING, StatusCode: 130 } };
  }, () => new FakeRawStream(true, output));
  const attached = callTsd(engine, ["attach", "box"], { terminal });
  while (!terminal.handled.includes("SIGINT")) await new Promise((resolve) => setTimeout(resolve, 1));
  terminal.raise("SIGINT");
  assert.equal((await attached).code, 130);
  assert.deepEqual(terminal.handled, []);
});
