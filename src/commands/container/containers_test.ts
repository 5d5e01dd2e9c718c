import { strict as assert } from "node:assert";
import { FakeEngine, FakeRawStream } from "../../client/fake_engine_testing.ts";
import type { EngineRequest, RawStream } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";
import { parseTimestamp } from "../opts/timestamp.ts";

const text = (string: string) => new TextEncoder().encode(string);
const framed = (payload: string) => new Uint8Array([1, 0, 0, 0, 0, 0, 0, payload.length, ...text(payload)]);

/** An engine that has every container except those named `nosuch…`. */
const knowing = (answer: (request: EngineRequest) => unknown = () => ({})) =>
  new FakeEngine((request) => {
    const name = /nosuch\w*/.exec(request.path)?.[0];
    if (name !== undefined) throw new TsdError("container_not_found", `No such container: ${name}`);
    return { json: answer(request) };
  });

Deno.test("stop, kill, rm, start: several targets are reported in order, and failures don't stop the others", async () => {
  for (const verb of ["stop", "kill", "rm", "start"]) {
    assert.deepEqual(await callTsd(knowing(), [verb, "a", "nosuch", "b"]), {
      code: 1,
      out: "a\nb\n",
      err: "tsd: No such container: nosuch\n",
    });
  }
});

Deno.test("stop, kill, rm: flags are passed to the engine", async () => {
  const query = async (...argv: string[]) => {
    const engine = knowing();
    await callTsd(engine, argv);
    return [engine.calls[0], engine.requests[0].query];
  };
  assert.deepEqual(await query("stop", "-t", "3", "-s", "INT", "a"), [
    "POST /containers/a/stop",
    { t: 3, signal: "INT" },
  ]);
  assert.deepEqual((await query("stop", "--time=0", "a"))[1], { t: 0, signal: undefined });
  assert.deepEqual(await query("kill", "--signal=9", "a"), ["POST /containers/a/kill", { signal: "9" }]);
  assert.deepEqual(await query("rm", "-fv", "a"), ["DELETE /containers/a", { force: true, v: true }]);
});

Deno.test("rm -f: a container that doesn't exist counts as removed", async () => {
  assert.deepEqual(await callTsd(knowing(), ["rm", "-f", "nosuch", "a"]), {
    code: 0,
    out: "a\n",
    err: "tsd: No such container: nosuch\n",
  });
});

Deno.test("wait: prints exit codes", async () => {
  const engine = knowing(({ path }) => ({ StatusCode: path.includes("/a/") ? 3 : 0 }));
  assert.deepEqual(await callTsd(engine, ["wait", "a", "b"]), { code: 0, out: "3\n0\n", err: "" });
  assert.deepEqual(engine.requests[0].query, { condition: "not-running" });
});

Deno.test("start -a: attaches as run does", async () => {
  const inspect = { Id: "i".repeat(64), Config: { OpenStdin: true, Tty: false }, HostConfig: { AutoRemove: false } };
  const engine = new FakeEngine(
    ({ path }) => ({ json: path.endsWith("/json") ? inspect : { StatusCode: 5 } }),
    () => new FakeRawStream(true, [framed("hi\n")]),
  );
  assert.deepEqual(await callTsd(engine, ["start", "-ai", "a"]), { code: 5, out: "hi\n", err: "" });
  assert.equal(engine.requests.find(({ path }) => path.endsWith("/attach"))?.query?.stdin, true);
  const several = await callTsd(engine, ["start", "-a", "a", "b"]);
  const message = "you cannot start and attach multiple containers at once\n";
  assert.deepEqual(several, { code: 1, out: "", err: message });
});

Deno.test("exec: creates and starts the process, and passes output and exit code", async () => {
  const engine = new FakeEngine(
    ({ path }) => ({ json: path.endsWith("/exec") ? { Id: "e1" } : { ExitCode: 4, Running: false } }),
    () => new FakeRawStream(true, [framed("hi\n")]),
  );
  const argv = ["exec", "-e", "A=b", "-w", "/w", "-u", "me", "--privileged", "box", "ls", "-l"];
  assert.deepEqual(await callTsd(engine, argv), { code: 4, out: "hi\n", err: "" });
  assert.deepEqual(engine.calls, ["POST /containers/box/exec", "POST /exec/e1/start", "GET /exec/e1/json"]);
  assert.deepEqual(engine.requests[0].body, {
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Privileged: true,
    Env: ["A=b"],
    Cmd: ["ls", "-l"],
    User: "me",
    WorkingDir: "/w",
  });
  assert.deepEqual(engine.requests[1].body, { Detach: false, Tty: false });
});

Deno.test("exec: creates and starts in one request if the engine supports that", async () => {
  const exitCode = new Uint8Array([4, 0, 0, 0, 0, 0, 0, 3, ...new TextEncoder().encode("137")]);
  class Engine extends FakeEngine {
    override hijack(request: EngineRequest): Promise<RawStream> {
      this.requests.push(request);
      const headers = new Map([["tsd-exec-id", "e1"]]);
      return Promise.resolve(
        new FakeRawStream(true, [framed("hi\n"), exitCode.subarray(0, 9), exitCode.subarray(9)], headers),
      );
    }
  }
  const engine = new Engine(() => ({ json: {} }));
  assert.deepEqual(await callTsd(engine, ["exec", "box", "ls"]), { code: 137, out: "hi\n", err: "" });
  assert.deepEqual(engine.calls, ["POST /containers/box/exec"]);
});

Deno.test("exec: detached mode, a failure, and a lost connection", async () => {
  const engine = knowing(() => ({ Id: "e1" }));
  assert.deepEqual(await callTsd(engine, ["exec", "-d", "box", "x"]), { code: 0, out: "", err: "" });
  assert.deepEqual(engine.requests[1].body, { Detach: true, Tty: false });
  assert.deepEqual(await callTsd(knowing(), ["exec", "nosuch", "x"]), {
    code: 1,
    out: "",
    err: "tsd: No such container: nosuch\n",
  });
  const missing = new FakeEngine(() => ({ json: { Id: "e1" } }), () => {
    throw new TsdError("command_not_found", 'exec: "x": executable file not found in $PATH');
  });
  assert.equal((await callTsd(missing, ["exec", "box", "x"])).code, 1);
  for (const [Running, what] of [[true, "it still runs"], [false, "it has ended, and its exit code is unknown"]]) {
    const connectionLost = await callTsd(knowing(() => ({ Id: "e1", Running, ExitCode: null })), ["exec", "box", "x"]);
    assert.deepEqual([connectionLost.code, connectionLost.err], [
      1,
      `tsd: The connection to x in box was lost; ${what}\n`,
    ]);
  }
});

Deno.test("logs: passes options, and decodes the stream by its content type", async () => {
  const logs = (type: string, bytes: Uint8Array) => new FakeEngine(() => ({ bytes: [bytes], type }));
  const engine = logs("application/vnd.docker.multiplexed-stream", framed("line\n"));
  const argv = ["logs", "-ft", "-n", "5", "--since", "1700000000.5", "--until=2013-01-02T13:23:37.25Z", "box"];
  assert.deepEqual(await callTsd(engine, argv), { code: 0, out: "line\n", err: "" });
  assert.deepEqual(engine.requests[0].query, {
    stdout: true,
    stderr: true,
    follow: true,
    timestamps: true,
    details: false,
    tail: "5",
    since: "1700000000.5",
    until: "1357133017.250000000",
  });
  const raw = logs("application/vnd.docker.raw-stream", text("tty\r\n"));
  assert.equal((await callTsd(raw, ["logs", "box"])).out, "tty\r\n");
});

Deno.test("logs --clear: clears the log, and refuses other options", async () => {
  const engine = knowing();
  assert.deepEqual(await callTsd(engine, ["logs", "--clear", "box"]), { code: 0, out: "", err: "" });
  assert.deepEqual(engine.calls, ["POST /tsd/containers/box/logs/clear"]);
  for (const other of [["-f"], ["-n", "1"], ["-t"], ["--details"], ["--since", "1h"], ["--until", "1h"]]) {
    const { code, err } = await callTsd(engine, ["logs", "--clear", ...other, "box"]);
    assert.deepEqual([code, err.split("\n")[0]], [125, "conflicting options: --clear goes with no other option"]);
  }
  assert.equal((await callTsd(knowing(), ["logs", "--clear", "nosuch"])).err, "tsd: No such container: nosuch\n");
});

Deno.test("timestamps: seconds, times and durations are parsed", () => {
  const now = 1_700_000_000_123;
  const parse = (value: string) => parseTimestamp(value, now, "since");
  assert.equal(parse("10m"), "1699999400.123000000");
  assert.equal(parse("1h30m"), "1699994600.123000000");
  assert.equal(parse("2013-01-02T13:23:37+02:00"), "1357125817.000000000");
  assert.equal(parse("2013-01-02T13:23:37.123456789Z"), "1357133017.123456789");
  assert.equal(parse("0"), "0");
  assert.equal(parse(""), undefined);
  for (const bad of ["yesterday", "2013-13-01", "10 m", "2013-01-02 13:00"]) {
    assert.throws(
      () => parse(bad),
      /^StatusError: invalid value for "since": failed to parse value as time or duration: "/,
    );
  }
});
