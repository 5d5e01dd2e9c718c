import { strict as assert } from "node:assert";
import { CONNECTION_LOST, connectionLost } from "./byte_reader.ts";
import { Container } from "./container.ts";
import { POSITIONS_TYPE } from "./logs.ts";
import type { EngineRequest, EngineResponse, EngineTransport } from "./transport.ts";

interface LogLine {
  readonly time: string;
  readonly text: string;
  readonly continues?: boolean;
  readonly stream?: 1 | 2;
}

const at = (nanos: number) => `2026-01-02T03:04:05.${String(nanos).padStart(9, "0")}Z`;

function frame({ time, text, continues = false, stream = 1 }: LogLine): Uint8Array {
  const payload = new TextEncoder().encode(`${time}${continues ? "+" : " "}${text}`);
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

/** Sends a log in pieces of `pieceBytes`, and goes away after so many frames, once for each of `cuts`. */
function engineOf(log: readonly LogLine[], cuts: readonly number[], pieceBytes: number) {
  const requests: EngineRequest[] = [];
  const left = [...cuts];
  const engine: EngineTransport = {
    hijack: () => Promise.reject(new Error("a log is no raw stream")),
    request: (request) => {
      requests.push(request);
      const since = request.query?.since as string | undefined;
      const from = since === undefined ? 0 : log.findIndex(({ time }) => since.endsWith(time.slice(19, -1)));
      const cut = left.shift();
      const body = (async function* () {
        const frames = log.slice(from, cut === undefined ? undefined : from + cut).map(frame);
        const bytes = new Uint8Array(frames.flatMap((each) => [...each]));
        for (let start = 0; start < bytes.length; start += pieceBytes) {
          yield await Promise.resolve(bytes.subarray(start, start + pieceBytes));
        }
        if (cut !== undefined) throw connectionLost();
      })();
      const headers = new Map([["content-type", POSITIONS_TYPE]]);
      return Promise.resolve({ status: 200, headers, body: Object.assign(body, { cancel: () => Promise.resolve() }) });
    },
  } as { request: (request: EngineRequest) => Promise<EngineResponse>; hijack: EngineTransport["hijack"] };
  return { engine, requests };
}

const LOG: LogLine[] = [
  { time: at(1), text: "a\n" },
  { time: at(2), text: "b\n" },
  { time: at(2), text: "c\n", stream: 2 },
  { time: at(2), text: "d" },
  { time: at(3), text: "e\n", continues: true },
  { time: at(4), text: "\n" },
  { time: at(4), text: "f\n" },
];

for (const pieceBytes of [1, 7, 1000]) {
  Deno.test(`a log is followed across engines, whole and once; pieces of ${pieceBytes}`, async () => {
    for (let first = 0; first <= LOG.length; first++) {
      const { engine, requests } = engineOf(LOG, [first, 1, 2], pieceBytes);
      const seen = { stdout: "", stderr: "" };
      const take = (stream: "stdout" | "stderr") => (bytes: Uint8Array) => {
        seen[stream] += new TextDecoder().decode(bytes);
        return Promise.resolve();
      };
      const sinks = { stdout: take("stdout"), stderr: take("stderr") };
      await new Container(engine, "web").copyLogs(sinks, { follow: true, tail: "5" });
      assert.deepEqual(seen, { stdout: "a\nb\nde\n\nf\n", stderr: "c\n" }, `cut after ${first}`);
      assert.equal(requests.length, 4);
      assert.equal(requests[0]!.query?.tail, "5");
    }
  });
}

Deno.test("an engine that has ended in good order is not waited for", async () => {
  const { engine } = engineOf(LOG, [1], 1000);
  let requested = 0;
  const removed = Object.assign(connectionLost(), { cause: new Deno.errors.NotFound() });
  const ending: EngineTransport = {
    ...engine,
    request: (request) => requested++ === 0 ? engine.request(request) : Promise.reject(removed),
  };
  const drop = () => Promise.resolve();
  const copied = new Container(ending, "web").copyLogs({ stdout: drop, stderr: drop }, { follow: true });
  await assert.rejects(copied, (thrown) => thrown === removed);
  assert.notEqual(removed.cause, CONNECTION_LOST);
});

Deno.test("logs: lines of both streams, and the last one without its line end", async () => {
  const { engine } = engineOf([...LOG, { time: at(5), text: "end" }], [], 3);
  const lines: string[] = [];
  for await (const { stream, text } of new Container(engine, "web").logs({ follow: true })) {
    lines.push(`${stream} ${text}`);
  }
  const expected = ["stdout a", "stdout b", "stderr c", "stdout de", "stdout ", "stdout f", "stdout end"];
  assert.deepEqual(lines.toSorted(), expected.toSorted());
});

Deno.test("logs: leaving the loop aborts the request; an error is thrown after the lines before it", async () => {
  const { engine, requests } = engineOf(LOG, [], 1000);
  for await (const { text } of new Container(engine, "web").logs({ follow: true })) {
    assert.equal(text, "a");
    break;
  }
  assert.equal(requests[0]!.signal?.aborted, true);
  const broken: EngineTransport = { ...engine, request: () => Promise.reject(new Error("no engine")) };
  const read = async () => await Array.fromAsync(new Container(broken, "web").logs());
  await assert.rejects(read, /no engine/);
});
