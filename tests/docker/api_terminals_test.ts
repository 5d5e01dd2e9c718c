/** Terminals over the raw Engine API: what clients other than docker's rely on. */
import { strict as assert } from "node:assert";
import type { EngineApi, HijackedConnection } from "../harness/mod.ts";
import { type Fixture, scenario } from "../cli/setup.ts";

const RAW = "application/vnd.docker.raw-stream";
const FRAMED = "application/vnd.docker.multiplexed-stream";
const CTRL_P_Q = "\x10\x11";
const ALL = "stream=1&stdin=1&stdout=1&stderr=1";

/** Collects the output of a connection. */
class Reader {
  text = "";
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(connection: Pick<HijackedConnection, "chunks">) {
    this.#chunks = connection.chunks()[Symbol.asyncIterator]();
  }

  /** @throws Error if the connection ends first */
  async until(requested: string): Promise<void> {
    while (!this.text.includes(requested)) {
      if (await this.#more()) throw new Error(`It ended without ${requested}: ${JSON.stringify(this.text)}`);
    }
  }

  async end(): Promise<string> {
    while (!await this.#more());
    return this.text;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (!done) this.text += this.#decoder.decode(value, { stream: true });
    return done ?? false;
  }
}

interface Made {
  readonly command?: readonly string[];
  readonly config?: Record<string, unknown>;
  readonly host?: Record<string, unknown>;
}

/** Creates a container with a terminal and an open standard input. */
async function made(fixture: Fixture, name: string, { command = ["sh"], config, host }: Made = {}): Promise<string> {
  const answer = await fixture.engine.api.post(`/containers/create?name=${name}`, {
    ...{ Image: fixture.image, Cmd: command, Tty: true, OpenStdin: true, ...config },
    HostConfig: { NetworkMode: "none", ...host },
  });
  assert.equal(answer.status, 201, answer.text());
  return answer.json<{ Id: string }>().Id;
}

async function started(fixture: Fixture, name: string, what: Made = {}): Promise<string> {
  const id = await made(fixture, name, what);
  assert.equal((await fixture.engine.api.post(`/containers/${name}/start`)).status, 204);
  return id;
}

async function refusal(api: EngineApi, path: string, body?: unknown): Promise<[number, string]> {
  const answer = await api.post(path, body);
  return [answer.status, answer.json<{ message: string }>().message];
}

const isRunning = async (fixture: Fixture, name: string) =>
  (await fixture.engine.api.get(`/containers/${name}/json`)).json<{ State: { Running: boolean } }>().State.Running;

const logOf = ({ engine }: Fixture, id: string) => `${engine.dataRoot}/containers/${id}/${id}-json.log`;

interface Event {
  readonly Action: string;
  readonly Actor: { readonly Attributes: Record<string, string> };
}

/** Returns a container's events with this action. */
async function eventsOf(fixture: Fixture, id: string, action: string): Promise<Event[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: [id], event: [action] }));
  const until = (Date.now() / 1000).toFixed(3);
  return (await fixture.engine.api.get(`/events?since=1&until=${until}&filters=${filters}`)).jsonLines<Event>();
}

async function execOf(fixture: Fixture, name: string, body: Record<string, unknown>): Promise<string> {
  const request = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true, ...body };
  const answer = await fixture.engine.api.post(`/containers/${name}/exec`, request);
  assert.equal(answer.status, 201, answer.text());
  return answer.json<{ Id: string }>().Id;
}

scenario("the Engine API: terminals", {
  "attach, initial size, TERM, exit; the log has the output unchanged": async (fixture) => {
    for (const version of ["1.41", "1.50"]) {
      const api = fixture.engine.api.version(version);
      const command = ["sh", "-c", "stty size; echo $TERM; echo err >&2; read x; echo got $x; exit 4"];
      const id = await made(fixture, "term", { command, host: { ConsoleSize: [11, 22] } });
      using attached = await api.hijack("POST", `/containers/term/attach?${ALL}`);
      assert.deepEqual([attached.status, attached.headers["content-type"]], [101, RAW]);
      assert.equal((await api.post(`/containers/term/start`)).status, 204);
      const reader = new Reader(attached);
      await reader.until("err\r\n");
      await attached.write("typed\r");
      const shown = "11 22\r\nxterm\r\nerr\r\ntyped\r\ngot typed\r\n";
      assert.equal(await reader.end(), shown);
      assert.deepEqual((await api.post(`/containers/term/wait`)).json(), { StatusCode: 4 });
      const logs = await api.get(`/containers/${id}/logs?stdout=1&stderr=1`);
      assert.deepEqual([logs.headers["content-type"], logs.text()], [RAW, shown]);
      const { Config, HostConfig } = (await api.get(`/containers/${id}/json`)).json<Record<string, unknown>>() as {
        Config: { Tty: boolean };
        HostConfig: { ConsoleSize: number[] };
      };
      assert.deepEqual([Config.Tty, HostConfig.ConsoleSize], [true, [11, 22]]);
      assert.equal((await api.delete("/containers/term")).status, 204);
    }
  },
  "a TTY with a non-root user belongs to that user": async (fixture) => {
    await started(fixture, "own", { config: { User: "app" }, command: ["sh", "-c", "echo by-name >/dev/pts/0; tty"] });
    await fixture.engine.api.post("/containers/own/wait");
    const logs = await fixture.engine.api.get("/containers/own/logs?stdout=1");
    assert.equal(logs.text(), "by-name\r\n/dev/pts/0\r\n");
    await fixture.remove("own");
  },
  "resize: accepted and refused values, and its event": async (fixture) => {
    const { api } = fixture.engine;
    const id = await made(fixture, "sized", {
      command: ["sh", "-c", "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.02; done"],
    });
    assert.deepEqual(await refusal(api, "/containers/sized/resize?h=5&w=6"), [409, `container ${id} is not running`]);
    assert.deepEqual(await refusal(api, "/containers/none/resize?h=5&w=6"), [404, "No such container: none"]);
    using attached = await api.hijack("POST", `/containers/sized/attach?${ALL}`);
    const reader = new Reader(attached);
    assert.equal((await api.post("/containers/sized/start")).status, 204);
    await reader.until("up\r\n");
    const bad: [string, string][] = [
      ["h=x&w=6", 'invalid resize height "x": invalid syntax'],
      ["h=5", 'invalid resize width "": invalid syntax'],
      ["h=5&w=-1", 'invalid resize width "-1": invalid syntax'],
      ["h=65536&w=1", 'invalid resize height "65536": value out of range'],
    ];
    for (const [query, message] of bad) {
      assert.deepEqual(await refusal(api, `/containers/sized/resize?${query}`), [400, message]);
    }
    const resized = await api.post("/containers/sized/resize?h=33&w=44");
    assert.deepEqual([resized.status, resized.text()], [200, ""]);
    assert.equal(await reader.end(), "up\r\n33 44\r\n");
    const [{ Actor }] = await eventsOf(fixture, id, "resize");
    assert.deepEqual([Actor.Attributes.height, Actor.Attributes.width], ["33", "44"]);
    await fixture.remove("sized");
  },
  "resize of a container without a terminal changes nothing": async (fixture) => {
    await fixture.background("plain");
    assert.equal((await fixture.engine.api.post("/containers/plain/resize?h=3&w=4")).status, 200);
    await fixture.remove("plain");
  },
  "the engine detects detach keys": async (fixture) => {
    const { api } = fixture.engine;
    const id = await started(fixture, "left", { command: ["cat"] });
    for (const [query, keys] of [["", CTRL_P_Q], ["&detachKeys=x,y", "xy"], ["&detachKeys=DEL", "\x7f"]]) {
      using attached = await api.hijack("POST", `/containers/left/attach?${ALL}${query}`);
      const reader = new Reader(attached);
      await attached.write(`line${query}\n`);
      await reader.until(`line${query}\r\nline${query}\r\n`);
      await attached.write(keys[0]);
      await attached.write(keys.slice(1));
      await reader.end();
      assert.equal(await isRunning(fixture, "left"), true);
    }
    await fixture.until("the events", async () => (await eventsOf(fixture, id, "detach")).length === 3);
    const [status, message] = await refusal(api, `/containers/left/attach?${ALL}&detachKeys=ctrl-1`);
    assert.deepEqual([status, message], [400, "Invalid detach keys (ctrl-1) provided"]);
    await fixture.remove("left");
  },
  "the end of a client's input ends its connection, but not the terminal": async (fixture) => {
    await started(fixture, "open", { command: ["cat"], config: { StdinOnce: true } });
    using first = await fixture.engine.api.hijack("POST", `/containers/open/attach?${ALL}`);
    using second = await fixture.engine.api.hijack("POST", `/containers/open/attach?${ALL}`);
    const readers = [new Reader(first), new Reader(second)];
    await first.write("one\n");
    for (const reader of readers) await reader.until("one\r\none\r\n");
    await first.closeWrite();
    await readers[0]!.end();
    await second.write("two\x04");
    // Ctrl-D after text sends the text, a second one means end of file.
    await second.write("\x04");
    assert.equal(await readers[1]!.end(), "one\r\none\r\ntwotwo");
    await fixture.remove("open");
  },
  "exec: content type, sizes, its TERM, exit codes": async (fixture) => {
    const { api } = fixture.engine;
    await fixture.background("host");
    // Without a size, busybox prints an error on standard error.
    const show = ["sh", "-c", "stty size 2>/dev/null; echo T=$TERM; exit 5"];
    const rows: [Record<string, unknown>, Record<string, unknown>, string][] = [
      [{ ConsoleSize: [7, 8] }, { Tty: true }, "7 8\r\nT=xterm\r\n"],
      [{ ConsoleSize: [7, 8] }, { Tty: true, ConsoleSize: [9, 10] }, "9 10\r\nT=xterm\r\n"],
      [{ Env: ["TERM=vt100"] }, { Tty: true }, "T=vt100\r\n"],
    ];
    for (const [create, start, shown] of rows) {
      const exec = await execOf(fixture, "host", { Cmd: show, ...create });
      using connection = await api.hijack("POST", `/exec/${exec}/start`, { body: { Detach: false, ...start } });
      assert.deepEqual([connection.status, connection.headers["content-type"]], [101, RAW]);
      assert.equal(await new Reader(connection).end(), shown);
      const { ExitCode, ProcessConfig } = (await api.get(`/exec/${exec}/json`)).json<Record<string, unknown>>();
      assert.deepEqual([ExitCode, (ProcessConfig as { tty: boolean }).tty], [5, true]);
    }
    const framed = await execOf(fixture, "host", { Cmd: ["echo", "x"] });
    using connection = await api.hijack("POST", `/exec/${framed}/start`, { body: { Tty: false } });
    assert.equal(connection.headers["content-type"], FRAMED);
    const frames = await Array.fromAsync(connection.frames());
    assert.deepEqual(frames.map(({ stream, bytes }) => [stream, new TextDecoder().decode(bytes)]), [[1, "x\r\n"]]);
    const detached = await execOf(fixture, "host", { Cmd: ["sh", "-c", "tty >/tty"] });
    assert.equal((await api.post(`/exec/${detached}/start`, { Detach: true, Tty: true })).status, 200);
    await fixture.until("its end", async () => (await api.get(`/exec/${detached}/json`)).json().ExitCode === 0);
    assert.equal((await fixture.tsd("exec", "host", "cat", "/tty")).stdout, "/dev/pts/0\n");
    await fixture.remove("host");
  },
  "exec: resize, detach keys, a missing command": async (fixture) => {
    const { api } = fixture.engine;
    const id = await fixture.background("host");
    const exec = await execOf(fixture, "host", {
      Cmd: ["sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.02; done"],
      DetachKeys: "q",
    });
    // Like Docker, the engine defers the resize until the start.
    const early = api.post(`/exec/${exec}/resize?h=20&w=30`);
    using connection = await api.hijack("POST", `/exec/${exec}/start`, { body: { Tty: true } });
    assert.equal((await early).status, 200);
    const reader = new Reader(connection);
    await reader.until("up\r\n");
    assert.equal((await api.post(`/exec/${exec}/resize?h=21&w=31`)).status, 200);
    await reader.until("21 31\r\n");
    await connection.write("q");
    await reader.end();
    assert.equal((await api.get(`/exec/${exec}/json`)).json().Running, true);
    await fixture.until("the event", async () => (await eventsOf(fixture, id, "exec_detach")).length === 1);
    assert.deepEqual(await refusal(api, `/exec/absent/resize?h=1&w=1`), [404, "No such exec instance: absent"]);
    assert.equal((await refusal(api, `/exec/${exec}/resize?h=1`))[0], 400);
    assert.deepEqual(await refusal(api, "/containers/host/exec", { Cmd: ["x"], Tty: true, DetachKeys: "ctrl-é" }), [
      ...[400, "Invalid detach keys (ctrl-é) provided"],
    ]);
    const wrong = await execOf(fixture, "host", { Cmd: ["nope"] });
    using failed = await api.hijack("POST", `/exec/${wrong}/start`, { body: { Tty: true } });
    assert.match(
      await new Reader(failed).end(),
      /^OCI runtime exec failed: .*executable file not found in \$PATH.*\r\n$/,
    );
    assert.equal((await api.get(`/exec/${wrong}/json`)).json().ExitCode, 127);
    assert.deepEqual(await refusal(api, `/exec/${wrong}/resize?h=1&w=1`), [409, `exec ${wrong} is not running`]);
    await fixture.remove("host");
  },
  "clients that disconnect, also during much output, leave no resources": async (fixture) => {
    const { api } = fixture.engine;
    const id = await started(fixture, "loud", { command: ["sh", "-c", "read x; yes; true"] });
    const before = await fixture.descriptors();
    const dropped = await Promise.all(
      Array.from({ length: 20 }, () => api.hijack("POST", `/containers/loud/attach?${ALL}`)),
    );
    await dropped[0]!.write("go\n");
    // Only this client reads; the others block the container, and each other.
    await new Reader(dropped[0]!).until("y\r\ny");
    for (const connection of dropped) connection[Symbol.dispose]();
    await fixture.noNewDescriptors(before);
    using late = await api.hijack("POST", `/containers/loud/attach?${ALL}`);
    await new Reader(late).until("y\r\ny");
    // It stops reading, which blocks the container's output, but not its removal.
    let logged = -1;
    await fixture.until("the container to be held up", async () => {
      const before = logged;
      await new Promise((resolve) => setTimeout(resolve, 200));
      logged = (await Deno.stat(logOf(fixture, id))).size;
      return logged === before;
    });
    await fixture.remove("loud");
  },
  "a failed start ends attached clients": async (fixture) => {
    const { api } = fixture.engine;
    await made(fixture, "broken", { command: ["/no/such"] });
    using attached = await api.hijack("POST", `/containers/broken/attach?${ALL}`);
    assert.equal((await refusal(api, "/containers/broken/start"))[0], 400);
    assert.equal(await new Reader(attached).end(), "");
    await fixture.remove("broken");
  },
  "a megabyte passes through a terminal and back": async (fixture) => {
    const { api } = fixture.engine;
    const command = ["sh", "-c", "stty raw -echo; echo ready; head -c 1000000 | cat"];
    await made(fixture, "bytes", { command });
    using attached = await api.hijack("POST", `/containers/bytes/attach?${ALL}`);
    assert.equal((await api.post("/containers/bytes/start")).status, 204);
    const reader = new Reader(attached);
    await reader.until("ready");
    const data = "0123456789abcdef".repeat(62_500);
    const [shown] = await Promise.all([reader.end(), attached.write(data)]);
    assert.equal(shown.slice(shown.indexOf("ready") + 5).trimStart(), data);
    await fixture.remove("bytes");
  },
});
