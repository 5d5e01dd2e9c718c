import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { EngineApi, type Frame } from "./api.ts";
import { readAll } from "../images/bytes.ts";

/** Runs tests/harness/testdata/fake_tsd.ts as the server of a test. */
async function withFakeEngine(use: (api: EngineApi) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-api-" });
  const script = new URL("testdata/fake_tsd.ts", import.meta.url).pathname;
  const socketPath = `${dir}/s`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-config",
      "--no-npm",
      script,
      "daemon",
      "--data-root",
      `${dir}/d`,
      "-H",
      `unix://${socketPath}`,
    ],
    stdout: "null",
  }).spawn();
  try {
    while (!await Deno.stat(socketPath).then(() => true, () => false)) {
      await new Promise((done) => setTimeout(done, 10));
    }
    await use(new EngineApi(socketPath));
  } finally {
    child.kill();
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

Deno.test(
  "requests transmit JSON, text, chunks, headers and versions",
  requires("root"),
  () =>
    withFakeEngine(async (api) => {
      const json = (await api.post("/x?y=1", { a: 1 })).json<Echo>();
      assert.deepEqual([json.method, json.url, json.body], ["POST", "/x?y=1", '{"a":1}']);
      assert.equal(json.headers["content-type"], "application/json");
      const text = (await api.request("PUT", "/x", { body: "text", headers: { "x-a": "b" } })).json<Echo>();
      assert.deepEqual([text.body, text.headers["x-a"], text.headers["content-length"]], ["text", "b", "4"]);
      const chunks = ReadableStream.from([new Uint8Array([97]), new Uint8Array([98, 99])]);
      const chunked = (await api.request("PUT", "/x", { body: chunks })).json<Echo>();
      assert.deepEqual([chunked.body, chunked.headers["transfer-encoding"]], ["abc", "chunked"]);
      assert.equal((await api.version("1.41").get("/info")).json<Echo>().url, "/v1.41/info");
    }),
);

Deno.test("responses: chunked, empty, line streams", requires("root"), () =>
  withFakeEngine(async (api) => {
    assert.deepEqual((await api.get("/lines")).jsonLines(), [{ n: 1 }, { n: 2 }]);
    const empty = await api.get("/empty");
    assert.deepEqual([empty.status, empty.text()], [204, ""]);
    using stream = await api.stream("GET", "/lines");
    assert.equal(stream.headers["transfer-encoding"], "chunked");
    assert.deepEqual(await Array.fromAsync(stream.lines()), ['{"n":1}', '{"n":2}']);
    using dropped = await api.stream("GET", "/lines");
    assert.equal(dropped.status, 200);
  }));

Deno.test(
  "hijacked connections: frames both ways, half close, raw bytes",
  requires("root"),
  () =>
    withFakeEngine(async (api) => {
      using connection = await api.hijack("POST", "/attach");
      assert.deepEqual([connection.status, connection.reason, connection.headers.upgrade], [101, "UPGRADED", "tcp"]);
      const frames: [number, string][] = [];
      const reading = (async () => {
        for await (const { stream, bytes } of connection.frames() as AsyncIterable<Frame>) {
          frames.push([stream, new TextDecoder().decode(bytes)]);
          if (frames.length === 2) await connection.write("hello");
          if (frames.length === 3) await connection.closeWrite();
        }
      })();
      await reading;
      assert.deepEqual(frames, [[1, "out"], [2, "err"], [1, "hello"], [1, "bye"]]);
      using raw = await api.hijack("POST", "/attach");
      await raw.closeWrite();
      assert.equal((await readAll(raw.chunks())).length, 3 * 8 + 9);
    }),
);
