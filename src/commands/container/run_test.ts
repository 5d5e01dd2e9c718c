import { strict as assert } from "node:assert";
import type { ContainerCreateRequest } from "../../api_types/mod.ts";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { type FakeAnswer, FakeEngine, FakeRawStream } from "../../client/fake_engine_testing.ts";
import type { EngineRequest } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";

const ID = "c0ffee".padEnd(64, "0");
const text = (string: string) => new TextEncoder().encode(string);

function frame(type: number, payload: string): Uint8Array {
  const bytes = text(payload);
  return new Uint8Array([type, 0, 0, 0, 0, 0, 0, bytes.length, ...bytes]);
}

interface Script {
  /** Responses to create requests, in turn. */
  readonly create?: (FakeAnswer | TsdError)[];
  readonly start?: TsdError;
  readonly exitCode?: number;
  readonly output?: Uint8Array[];
  readonly pull?: object[];
  readonly raw?: FakeRawStream;
}

function engineFor({ create = [], start, exitCode = 0, output = [], pull = [], raw }: Script = {}): FakeEngine {
  const answer = ({ path }: EngineRequest): FakeAnswer => {
    if (path === "/containers/create") {
      const next = create.shift() ?? { json: { Id: ID, Warnings: [] } };
      if (next instanceof TsdError) throw next;
      return next;
    }
    if (path.endsWith("/wait")) return { json: { StatusCode: exitCode } };
    if (path.endsWith("/start") && start !== undefined) throw start;
    if (path === "/images/create") return { bytes: pull.map((line) => text(JSON.stringify(line) + "\r\n")) };
    return { bytes: [] };
  };
  return new FakeEngine(answer, () => raw ?? new FakeRawStream(true, output));
}

const request = (engine: FakeEngine, path: string) => engine.requests.find((each) => each.path.endsWith(path));

Deno.test("run: attaches and waits before the start, forwards both streams and returns the exit code", async () => {
  const engine = engineFor({ exitCode: 7, output: [frame(1, "out\n"), frame(2, "err\n"), frame(1, "more\n")] });
  assert.deepEqual(await callTsd(engine, ["run", "--rm", "busybox", "sh", "-c", "exit 7"]), {
    code: 7,
    out: "out\nmore\n",
    err: "err\n",
  });
  assert.deepEqual(engine.calls, [
    "POST /containers/create",
    `POST /containers/${ID}/attach`,
    `POST /containers/${ID}/wait`,
    `POST /containers/${ID}/start`,
  ]);
  assert.deepEqual(request(engine, "/attach")?.query, { stream: true, stdin: false, stdout: true, stderr: true });
  assert.deepEqual(request(engine, "/wait")?.query, { condition: "removed" });
});

Deno.test("run, start, exec: the detach keys are passed to the engine", async () => {
  const keys = ["--detach-keys", "ctrl-x,q"];
  const running = engineFor();
  await callTsd(running, ["run", ...keys, "busybox"]);
  assert.equal(request(running, "/attach")?.query?.detachKeys, "ctrl-x,q");
  const starting = new FakeEngine(({ path }) => ({
    json: path.endsWith("/json") ? { Id: ID, Config: {}, HostConfig: {} } : { StatusCode: 0 },
  }));
  await callTsd(starting, ["start", "-a", ...keys, "box"]);
  assert.equal(request(starting, "/attach")?.query?.detachKeys, "ctrl-x,q");
  const exec = new FakeEngine(() => ({ json: { Id: "e1", ExitCode: 0 } }));
  await callTsd(exec, ["exec", ...keys, "box", "ls"]);
  assert.deepEqual((request(exec, "/box/exec")?.body as { DetachKeys?: string }).DetachKeys, "ctrl-x,q");
});

Deno.test("run: without --rm, waits for the next exit", async () => {
  const engine = engineFor();
  await callTsd(engine, ["run", "busybox"]);
  assert.deepEqual(request(engine, "/wait")?.query, { condition: "next-exit" });
});

Deno.test("run -d: prints the id even if the start fails", async () => {
  assert.deepEqual(await callTsd(engineFor(), ["run", "-d", "busybox"]), { code: 0, out: `${ID}\n`, err: "" });
  const failing = engineFor({ start: new TsdError("command_not_found", 'exec: "x": executable file not found') });
  assert.deepEqual(await callTsd(failing, ["run", "-d", "busybox", "x"]), {
    code: 127,
    out: `${ID}\n`,
    err: 'tsd: exec: "x": executable file not found\n',
  });
});

Deno.test("run: a missing image is pulled, and only the command's output is on standard output", async () => {
  const engine = engineFor({
    create: [new TsdError("image_not_found", "No such image: busybox:latest")],
    pull: [
      { status: "Pulling from library/busybox", id: "latest" },
      { status: "Pulling fs layer", progressDetail: {}, id: "0123456789ab" },
      { status: "Downloading", progressDetail: { current: 1, total: 9 }, progress: "[>]", id: "0123456789ab" },
      { status: "Pull complete", progressDetail: {}, id: "0123456789ab" },
      { status: "Digest: sha256:00" },
      { status: "Status: Downloaded newer image for busybox:latest" },
    ],
    output: [frame(1, "hi\n")],
  });
  assert.deepEqual(await callTsd(engine, ["run", "busybox"]), {
    code: 0,
    out: "hi\n",
    err: `Unable to find image 'busybox:latest' locally
latest: Pulling from library/busybox
0123456789ab: Pulling fs layer
0123456789ab: Pull complete
Digest: sha256:00
Status: Downloaded newer image for busybox:latest
`,
  });
  assert.deepEqual(request(engine, "/images/create")?.query, {
    fromImage: "docker.io/library/busybox",
    tag: "latest",
    platform: undefined,
  });
  assert.deepEqual(engine.calls.slice(0, 3), [
    "POST /containers/create",
    "POST /images/create",
    "POST /containers/create",
  ]);
});

Deno.test("run --pull: never, always, and invalid values", async () => {
  const missing = () => [new TsdError("image_not_found", "No such image: a:latest")];
  const never = engineFor({ create: missing() });
  assert.deepEqual(await callTsd(never, ["run", "--pull", "never", "a"]), {
    code: 125,
    out: "",
    err: "tsd: No such image: a:latest\n",
  });
  assert.deepEqual(never.calls, ["POST /containers/create"]);
  const always = engineFor();
  await callTsd(always, ["run", "--pull=always", "-q", "a@sha256:" + "0".repeat(64)]);
  assert.deepEqual(always.calls.slice(0, 2), ["POST /images/create", "POST /containers/create"]);
  assert.equal(request(always, "/images/create")?.query?.tag, "sha256:" + "0".repeat(64));
  const nonsense = await callTsd(engineFor(), ["run", "--pull=maybe", "a"]);
  assert.deepEqual([nonsense.code, nonsense.err.split("\n")[0]], [
    125,
    `invalid pull option: 'maybe': must be one of "always", "missing" or "never"`,
  ]);
});

Deno.test("run: failures before the command runs have the exit codes 125 to 127", async () => {
  const codeOf = async (start: TsdError) => (await callTsd(engineFor({ start }), ["run", "--rm", "a"])).code;
  assert.equal(await codeOf(new TsdError("command_not_found", "x")), 127);
  assert.equal(await codeOf(new TsdError("command_not_executable", "x")), 126);
  assert.equal(await codeOf(new TsdError("runtime_failed", "x")), 125);
  const taken = engineFor({ create: [new TsdError("name_in_use", "Conflict.")] });
  assert.deepEqual(await callTsd(taken, ["run", "--name", "a", "b"]), { code: 125, out: "", err: "tsd: Conflict.\n" });
  const failed = await callTsd(engineFor({ pull: [{ errorDetail: { message: "toomanyrequests" }, error: "x" }] }), [
    "run",
    "--pull=always",
    "a",
  ]);
  assert.deepEqual([failed.code, failed.err], [125, "tsd: toomanyrequests\n"]);
});

Deno.test("run -i: input is forwarded and closed at its end", async () => {
  const raw = new FakeRawStream(
    true,
    new ReadableStream({
      async pull(controller) {
        // The process exits at the end of its input, as cat does.
        while (!raw.inputClosed) await new Promise((resolve) => setTimeout(resolve, 1));
        controller.enqueue(frame(1, raw.input.map((bytes) => new TextDecoder().decode(bytes)).join("")));
        controller.close();
      },
    }),
  );
  const engine = engineFor({ raw });
  const terminal = new FakeTerminal({ stdin: "hello\n" });
  assert.equal((await callTsd(engine, ["run", "-i", "busybox", "cat"], { terminal })).out, "hello\n");
  assert.equal(request(engine, "/attach")?.query?.stdin, true);
  assert(raw.disposed);
});

Deno.test("run -i: the session ends with the output, even if the input doesn't end", async () => {
  const terminal = new FakeTerminal({ stdin: new ReadableStream() });
  const engine = engineFor({ output: [frame(1, "done\n")], exitCode: 3 });
  assert.deepEqual(await callTsd(engine, ["run", "-i", "busybox"], { terminal }), { code: 3, out: "done\n", err: "" });
});

Deno.test("run: signals are forwarded to the container while it runs", async () => {
  const terminal = new FakeTerminal();
  const ended = Promise.withResolvers<void>();
  const raw = new FakeRawStream(
    true,
    new ReadableStream({ start: (stream) => ended.promise.then(() => stream.close()) }),
  );
  const engine = new FakeEngine(({ path, query }) => {
    if (path.endsWith("/start")) {
      terminal.raise("SIGTERM");
      terminal.raise("SIGINT");
    }
    if (path.endsWith("/kill") && query?.signal === "SIGINT") ended.resolve();
    return { json: { Id: ID, Warnings: [], StatusCode: 143 } };
  }, () => raw);
  assert.equal((await callTsd(engine, ["run", "busybox"], { terminal })).code, 143);
  const signals = engine.requests.filter(({ path }) => path.endsWith("/kill")).map(({ query }) => query?.signal);
  assert.deepEqual(signals, ["SIGTERM", "SIGINT"]);
  assert.deepEqual(terminal.handled, []);
  const alone = new FakeTerminal();
  const own = engineFor({ raw: new FakeRawStream(true, []) });
  await callTsd(own, ["run", "--sig-proxy=false", "busybox"], { terminal: alone });
  alone.raise("SIGINT");
  assert(!own.calls.some((call) => call.endsWith("/kill")));
});

Deno.test("run -t: output is raw, the terminal's size is set, and the terminal is restored", async () => {
  const terminal = new FakeTerminal({ ttys: ["stdin", "stdout"], stdin: "x" });
  const engine = engineFor({ raw: new FakeRawStream(false, [text("raw\r\n")]) });
  assert.equal((await callTsd(engine, ["run", "-it", "busybox"], { terminal })).out, "raw\r\n");
  assert.deepEqual(request(engine, "/resize")?.query, { h: 24, w: 80 });
  assert.equal(terminal.raw, false);
  const untouched = engineFor();
  const piped = await callTsd(untouched, ["run", "-it", "busybox"]);
  assert.deepEqual(piped, { code: 1, out: "", err: "the input device is not a TTY\n" });
  assert.deepEqual(untouched.calls, []);
});

/** A process that has a terminal and doesn't exit, and a user who types. */
function endless(typed: string) {
  const terminal = new FakeTerminal({
    ttys: ["stdin", "stdout"],
    stdin: new ReadableStream({ start: (controller) => controller.enqueue(text(typed)) }),
  });
  const raw = new FakeRawStream(false, new ReadableStream());
  return { terminal, raw, typed: () => raw.input.map((bytes) => new TextDecoder().decode(bytes)).join("") };
}

Deno.test("run -t: the container is created with the terminal's size", async () => {
  const sizeOf = (engine: FakeEngine) => (request(engine, "/create")?.body as ContainerCreateRequest).HostConfig;
  const terminal = () => new FakeTerminal({ ttys: ["stdout"] });
  const [withTty, without] = [engineFor({ raw: new FakeRawStream(false, []) }), engineFor()];
  await callTsd(withTty, ["run", "-t", "busybox"], { terminal: terminal() });
  await callTsd(without, ["run", "busybox"], { terminal: terminal() });
  assert.deepEqual([sizeOf(withTty)?.ConsoleSize, sizeOf(without)?.ConsoleSize], [[24, 80], undefined]);
});

Deno.test("run -it: resizes are sent sequentially, the latest size last", async () => {
  const { terminal, raw } = endless("");
  const reported: PromiseWithResolvers<void>[] = [];
  const engine = new FakeEngine(async ({ path }) => {
    if (path.endsWith("/resize")) {
      reported.push(Promise.withResolvers());
      await reported.at(-1)!.promise;
    }
    return { json: { Id: ID, Warnings: [], StatusCode: 0 } };
  }, () => raw);
  const running = callTsd(engine, ["run", "-it", "busybox"], { terminal });
  const until = async (count: number) => {
    while (reported.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await until(1);
  for (let i = 0; i < 5; i++) terminal.raise("SIGWINCH");
  assert.equal(reported.length, 1);
  reported[0]!.resolve();
  await until(2);
  reported[1]!.resolve();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(reported.length, 2);
  terminal.raise("SIGWINCH");
  await until(3);
  reported[2]!.resolve();
  terminal.raise("SIGTERM");
  assert.equal((await running).code, 143);
});

Deno.test("run -it: the detach keys leave the container running and restore the terminal", async () => {
  for (const [flags, keys] of [[[], "\x10\x11"], [["--detach-keys", "ctrl-a,x"], "\x01x"]] as const) {
    const { terminal, raw, typed } = endless(`ls\n${keys}lost`);
    const result = await callTsd(engineFor({ raw }), ["run", "-it", ...flags, "busybox"], { terminal });
    assert.deepEqual(result, { code: 0, out: "", err: "" });
    assert.deepEqual([typed(), terminal.raw, raw.disposed], ["ls\n", false, true]);
  }
});

Deno.test("run -it: the terminal is restored before a signal ends the program", async () => {
  const { terminal, raw } = endless("");
  const running = callTsd(engineFor({ raw }), ["run", "-it", "busybox"], { terminal });
  while (!terminal.raw) await new Promise((resolve) => setTimeout(resolve, 1));
  terminal.raise("SIGTERM");
  assert.equal(terminal.raw, false);
  assert.deepEqual(await running, { code: 143, out: "", err: "" });
});

Deno.test("run -it: the terminal is restored after the connection to the engine was lost", async () => {
  const terminal = new FakeTerminal({ ttys: ["stdin", "stdout"], stdin: new ReadableStream() });
  const broken = new ReadableStream({
    pull: () => Promise.reject(new TsdError("engine_unavailable", "The engine has gone")),
  });
  const engine = engineFor({ raw: new FakeRawStream(false, broken) });
  const result = await callTsd(engine, ["run", "-it", "busybox"], { terminal });
  assert.deepEqual([result.code, result.err, terminal.raw], [125, "tsd: The engine has gone\n", false]);
});

Deno.test("run: closed output ends the program without an error message", async () => {
  const terminal = new FakeTerminal();
  terminal.closedAfterBytes = 3;
  const engine = engineFor({ output: [frame(1, "abc"), frame(1, "def")] });
  assert.deepEqual(await callTsd(engine, ["run", "busybox"], { terminal }), { code: 141, out: "abc", err: "" });
});

Deno.test("run --cidfile: is written, never overwritten, and removed if no container was created", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/cid`;
    const failing = engineFor({ create: [new TsdError("name_in_use", "Conflict.")] });
    assert.equal((await callTsd(failing, ["run", "-d", "--cidfile", path, "a"])).code, 125);
    await callTsd(engineFor(), ["run", "-d", "--cidfile", path, "a"]);
    assert.equal(await Deno.readTextFile(path), ID);
    const second = engineFor();
    const { code, err } = await callTsd(second, ["run", "-d", "--cidfile", path, "a"]);
    assert.equal(code, 125);
    assert.match(err, /^container ID file found, make sure the other container isn't running or delete /);
    assert.deepEqual(second.calls, []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("create: prints the id and the engine's warnings", async () => {
  const engine = engineFor({ create: [{ json: { Id: ID, Warnings: ["no swap limit"] } }] });
  assert.deepEqual(await callTsd(engine, ["create", "--name", "x", "busybox", "true"]), {
    code: 0,
    out: `${ID}\n`,
    err: "WARNING: no swap limit\n",
  });
  assert.deepEqual(engine.requests[0].query, { name: "x", platform: undefined });
  const missing = await callTsd(engineFor({ create: [new TsdError("name_in_use", "Conflict.")] }), ["create", "a"]);
  assert.equal(missing.code, 1);
});
