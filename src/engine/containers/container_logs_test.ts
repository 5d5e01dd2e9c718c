import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import type { LogConfig } from "../../api_types/mod.ts";
import { SILENT_LOG } from "../../log.ts";
import { Reaper } from "../../runtime/reaper.ts";
import { FifoIo } from "../../runtime/fifo_io.ts";
import { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";
import { Epoll, files, O, processes, tree } from "../../sys/mod.ts";
import { workerUrl } from "../../worker_entry.ts";
import { enginePaths } from "../paths.ts";
import { ContainerLogs, logOf, type LogRequest } from "./container_logs.ts";
import { fakeContainer, RUNNING, tableOf } from "./containers_testing.ts";

/** Most bytes that are written before the log Worker sees that it has to wait. */
const BUFFER_BYTES = 1 << 20;
const EVERYTHING = { stdout: true, stderr: true, follow: false };

/** A container whose process is a shell script, with the real log Worker. */
interface Setup {
  readonly logs: ContainerLogs;
  readonly dir: string;
  /** Opens the streams; the script runs once `go` is called, which resolves at the end of its output. */
  open(script: string): Promise<{ go(): Promise<void> }>;
  /** Bytes of all files of the log. */
  sizeBytes(): number;
}

async function withSetup(config: LogConfig["Config"], body: (setup: Setup) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dataRoot = await Deno.makeTempDir({ prefix: "tsd-logs-" });
  stack.defer(() => Deno.remove(dataRoot, { recursive: true }));
  const exits = stack.use(new Reaper(processes).start());
  const epoll = stack.use(new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) }));
  void epoll.run();
  const hub = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await hub.ready;
  const paths = await enginePaths(dataRoot);
  const container = fakeContainer(RUNNING, { hostConfig: { LogConfig: { Type: "json-file", Config: config ?? {} } } });
  const log = logOf(container, paths)!;
  const directory = log.path.slice(0, log.path.lastIndexOf("/"));
  await Deno.mkdir(directory, { recursive: true });
  let run = 0;
  await body({
    logs: new ContainerLogs(tableOf(container), hub, paths, SILENT_LOG),
    dir: directory,
    async open(script) {
      const dir = `${dataRoot}/${++run}`;
      await Deno.mkdir(dir);
      const io = new FifoIo({ key: "c1", dir, stdin: false, output: true, log }, hub, { files, tree, epoll });
      const { stdio } = await io.open();
      return {
        async go() {
          const pid = processes.spawn({
            path: "/bin/sh",
            argv: ["sh", "-c", script],
            env: { PATH: "/usr/bin:/bin" },
            stdio: [
              { target: 0, path: stdio.stdin, flags: O.RDONLY },
              { target: 1, path: stdio.stdout, flags: O.RDWR },
              { target: 2, path: stdio.stderr, flags: O.RDWR },
            ],
          });
          await io.started();
          await exits.spawned(pid);
          await io.finish(1000);
        },
      };
    },
    sizeBytes: () => sizeOf(directory),
  });
}

/** What lies in a folder whose files are renamed and removed meanwhile. */
function sizeOf(directory: string): number {
  let total = 0;
  for (const { name } of Deno.readDirSync(directory)) {
    try {
      total += Deno.statSync(`${directory}/${name}`).size;
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return total;
}

const textOf = (records: readonly LogRecord[]) => records.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");

async function collect(records: AsyncIterable<readonly LogRecord[]>): Promise<string> {
  const parts: string[] = [];
  for await (const batch of records) parts.push(textOf(batch));
  return parts.join("");
}

/** Somebody who follows the log. */
interface Follower {
  /** Resolves when the last that came is `text`. */
  until(text: string): Promise<void>;
  /** Everything that came, at the end. */
  readonly end: Promise<string>;
}

function follow(logs: ContainerLogs, span: Partial<LogRequest> = {}): Follower {
  let seen = "";
  const end = (async () => {
    const request = { ...EVERYTHING, follow: true, signal: never(), ...span };
    for await (const batch of await logs.read("c1", request)) seen += textOf(batch);
    return seen;
  })();
  return { end, until: (text) => waitFor(text.trimEnd(), () => seen.endsWith(text)) };
}

async function waitFor(what: string, done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!done()) {
    assert.ok(performance.now() < deadline, `waited 20 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Shell: waits until the test makes this file. */
const once = (directory: string, name: string) =>
  `while [ ! -e ${directory}/${name} ]; do sleep 0.01; done; rm ${directory}/${name}`;

/** Samples `measure` until the promise settles; the largest. */
async function peak(measure: () => number, meanwhile: Promise<unknown>): Promise<number> {
  let most = 0;
  let isOver = false;
  void meanwhile.finally(() => isOver = true);
  while (!isOver) {
    most = Math.max(most, measure());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return most;
}

const never = () => new AbortController().signal;
const sequence = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");

const BOUNDS: readonly (readonly [options: Readonly<Record<string, string>>, bytes: number])[] = [
  [{ "max-size": "10k" }, 10_000],
  [{ "max-size": "20k", "max-file": "3" }, 60_000],
  [{ "max-size": "1m", "max-file": "2" }, 2_000_000],
];

for (const [options, boundBytes] of BOUNDS) {
  Deno.test(`followers miss nothing while ${JSON.stringify(options)} is flooded, and the bound holds`, async () => {
    await withSetup(options, async ({ logs, open, dir: directory, sizeBytes }) => {
      const process = await open(`echo 0; ${once(directory, "go")}; seq 1 150000`);
      const following = [follow(logs), follow(logs)];
      const ended = process.go();
      await Promise.all(following.map(({ until }) => until("0\n")));
      await Deno.writeTextFile(`${directory}/go`, "");
      const most = await peak(sizeBytes, ended);
      for (const { end } of following) {
        const text = await end;
        assert.equal(text.length, sequence(0, 150_000).length);
        assert.ok(text === sequence(0, 150_000), "lines in another order");
      }
      assert.ok(most <= boundBytes + BUFFER_BYTES, `${most} bytes on the disk`);
    });
  });
}

Deno.test("a flood that nobody reads stays within its bound, and its end is kept", async () => {
  await withSetup({ "max-size": "100k", "max-file": "3" }, async ({ logs, open, sizeBytes }) => {
    const ended = (await open("head -c 200000000 /dev/zero | tr '\\0' x | fold -w 99; seq 1 100")).go();
    const most = await peak(sizeBytes, ended);
    assert.ok(most <= 300_000, `${most} bytes on the disk`);
    const text = await collect(await logs.read("c1", { ...EVERYTHING, signal: never() }));
    assert.ok(text.endsWith(sequence(1, 100)));
    assert.ok(text.length > 100_000);
  });
});

Deno.test("a follower that takes nothing holds nobody up for long", async () => {
  await withSetup({ "max-size": "10k" }, async ({ logs, open }) => {
    const process = await open("seq 1 200000");
    const records = await logs.read("c1", { ...EVERYTHING, follow: true, signal: never() });
    const iterator = records[Symbol.asyncIterator]();
    const first = iterator.next();
    const before = performance.now();
    const ended = process.go();
    await first;
    await ended;
    const tookMs = performance.now() - before;
    assert.ok(tookMs > 500 && tookMs < 20_000, `${tookMs} ms`);
    await iterator.return?.();
  });
});

Deno.test("bytes that are no text come back exactly, through rotation and compression", async () => {
  await withSetup(
    { "max-size": "500k", "max-file": "50", compress: "true" },
    async ({ logs, open, dir: directory }) => {
      const input = crypto.getRandomValues(new Uint8Array(60_000));
      const path = `${directory}/input`;
      await Deno.writeFile(path, input);
      await (await open(`i=0; while [ $i -lt 20 ]; do cat ${path}; i=$((i+1)); done`)).go();
      await Deno.remove(path);
      const parts: number[] = [];
      for await (const batch of await logs.read("c1", { ...EVERYTHING, signal: never() })) {
        for (const { bytes } of batch) for (const byte of bytes) parts.push(byte);
      }
      const got = new Uint8Array(parts);
      assert.equal(got.length, 20 * input.length);
      for (let i = 0; i < 20; i++) {
        assert.ok(got.subarray(i * input.length, (i + 1) * input.length).every((byte, at) => byte === input[at]));
      }
    },
  );
});

Deno.test("files that were put aside are compressed while the container runs", async () => {
  await withSetup({ "max-size": "200k", "max-file": "5", compress: "true" }, async ({ logs, open, dir: directory }) => {
    const ended = (await open(`seq 1 9000; ${once(directory, "done")}; seq 9001 9010`)).go();
    const compressed = () => [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".gz")).length;
    await waitFor("compressed files", () => compressed() >= 3);
    await Deno.writeTextFile(`${directory}/done`, "");
    await ended;
    assert.equal(await collect(await logs.read("c1", { ...EVERYTHING, signal: never() })), sequence(1, 9010));
    const tail = await collect(await logs.read("c1", { ...EVERYTHING, tail: 8000, signal: never() }));
    assert.equal(tail, sequence(1011, 9010));
  });
});

Deno.test("clearing while it is written and followed: what comes then is there, once", async () => {
  await withSetup({ "max-size": "20k", "max-file": "3" }, async ({ logs, open, dir: directory }) => {
    const process = await open(
      `seq 1 5000; ${once(directory, "a")}; seq 5001 9000; ${once(directory, "b")}; seq 9001 9100`,
    );
    const follower = follow(logs);
    const ended = process.go();
    await follower.until("\n5000\n");
    await logs.clear("c1");
    assert.equal(await collect(await logs.read("c1", { ...EVERYTHING, signal: never() })), "");
    await Deno.writeTextFile(`${directory}/a`, "");
    await follower.until("\n9000\n");
    await logs.clear("c1");
    await Deno.writeTextFile(`${directory}/b`, "");
    await ended;
    assert.ok(await follower.end === sequence(1, 9100));
    assert.equal(await collect(await logs.read("c1", { ...EVERYTHING, signal: never() })), sequence(9001, 9100));
    await logs.clear("c1");
    assert.equal(await collect(await logs.read("c1", { ...EVERYTHING, signal: never() })), "");
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["c1-json.log"]);
  });
});

Deno.test("following ends at its time, when the client has gone, and when the container runs no more", async () => {
  await withSetup({}, async ({ logs, open, dir: directory }) => {
    const process = await open(`echo 1; ${once(directory, "go")}; echo 2`);
    const until = new Date(Date.now() + 500).toISOString().replace("Z", "000000Z");
    const removed = new AbortController();
    const [timed, leaving, patient] = [{ until }, { signal: removed.signal }, {}].map((span) => follow(logs, span));
    const ended = process.go();
    await leaving.until("1\n");
    removed.abort();
    assert.equal(await leaving.end, "1\n");
    assert.equal(await timed.end, "1\n");
    assert.ok(new Date().toISOString() > until.slice(0, 23));
    await patient.until("1\n");
    await Deno.writeTextFile(`${directory}/go`, "");
    await ended;
    assert.equal(await patient.end, "1\n2\n");
    const past = new Date(Date.now() - 60_000).toISOString().replace("Z", "000000Z");
    assert.equal(
      await collect(await logs.read("c1", { ...EVERYTHING, until: past, follow: true, signal: never() })),
      "",
    );
  });
});
