import { strict as assert } from "node:assert";
import type { ContainerStats } from "../../api_types/mod.ts";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { Client } from "../../client/client.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import type { EngineRequest, EngineResponse, EngineTransport } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { localTime } from "../system/events.ts";
import { callTsd } from "../session_testing.ts";
import { stats } from "./stats.ts";
import { StatsBoard } from "./stats_display.ts";

const ID = "0123456789ab".padEnd(64, "0");
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("pause, unpause, restart: are requested for each target, with options", async () => {
  const engine = new FakeEngine(() => ({ json: {} }));
  assert.deepEqual(await callTsd(engine, ["pause", "a", "b"]), { code: 0, out: "a\nb\n", err: "" });
  await callTsd(engine, ["unpause", "a"]);
  await callTsd(engine, ["restart", "-t", "0", "-s", "INT", "a"]);
  assert.deepEqual(engine.calls, [
    "POST /containers/a/pause",
    "POST /containers/b/pause",
    "POST /containers/a/unpause",
    "POST /containers/a/restart",
  ]);
  assert.deepEqual(engine.requests[3].query, { t: 0, signal: "INT" });
});

Deno.test("rename: prints nothing on success and an error on failure", async () => {
  const engine = new FakeEngine(({ query }) => {
    if (query?.name === "b") return { json: {} };
    throw new TsdError("name_in_use", "Conflict. The name is in use.");
  });
  assert.deepEqual(await callTsd(engine, ["rename", "a", "b"]), { code: 0, out: "", err: "" });
  assert.deepEqual(await callTsd(engine, ["rename", "a", "c"]), {
    code: 1,
    out: "",
    err: "tsd: Conflict. The name is in use.\n",
  });
});

Deno.test("top: passes ps options and prints wide columns", async () => {
  const engine = new FakeEngine(() => ({ json: { Titles: ["PID", "CMD"], Processes: [["7", "sleep 9"]] } }));
  const { out } = await callTsd(engine, ["top", "web", "-o", "pid,cmd"]);
  assert.equal(out, "PID                 CMD\n7                   sleep 9\n");
  await callTsd(engine, ["top", "web"]);
  assert.deepEqual(engine.requests.map(({ query }) => query?.ps_args), ["-o pid,cmd", undefined]);
});

const EVENT =
  `{"status":"start","id":"${ID}","from":"alpine","Type":"container","Action":"start","Actor":{"ID":"${ID}",` +
  `"Attributes":{"name":"web","image":"alpine","note":"a\\nb"}},"scope":"local","time":1763942400,` +
  `"timeNano":1763942400123456789}`;

Deno.test("events: prints a line per event, with nanoseconds and without control characters", async () => {
  const engine = new FakeEngine(() => ({ bytes: [bytes(EVENT + "\n")] }));
  const { code, out } = await callTsd(engine, ["events", "--since", "5", "-f", "type=container"]);
  assert.equal(code, 0);
  assert.equal(
    out,
    `${localTime(1763942400123456789n)} container start ${ID} (image=alpine, name=web, note=a b)\n`,
  );
  assert.match(out, /T\d\d:\d\d:00\.123456789/);
  assert.deepEqual(engine.requests[0].query, {
    since: "5",
    until: undefined,
    filters: '{"type":{"container":true}}',
  });
});

Deno.test("events --format: json is the engine's text; templates are executed", async () => {
  const engine = new FakeEngine(() => ({ bytes: [bytes(EVENT.slice(0, 40)), bytes(EVENT.slice(40) + "\r\n")] }));
  assert.equal((await callTsd(engine, ["events", "--format", "json"])).out, EVENT + "\n");
  assert.equal((await callTsd(engine, ["events", "--format", "{{json .}}"])).out, EVENT + "\n");
  const bad = await callTsd(engine, ["events", "--format", "{{.Nope}}"]);
  assert.deepEqual([bad.code, bad.err], [
    64,
    'Error parsing format: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *events.Message\n',
  ]);
});

const NO_CPU = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 } };
const THROTTLING = { periods: 0, throttled_periods: 0, throttled_time: 0 };

function sample(more: Partial<ContainerStats> = {}): ContainerStats {
  return {
    name: "/web",
    id: ID,
    read: "",
    preread: "",
    pids_stats: { current: 3 },
    blkio_stats: {
      ...{ io_serviced_recursive: null, io_queue_recursive: null, io_service_time_recursive: null },
      ...{ io_wait_time_recursive: null, io_merged_recursive: null, io_time_recursive: null, sectors_recursive: null },
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: "Read", value: 1000 },
        { major: 8, minor: 0, op: "write", value: 2_500_000 },
        { major: 8, minor: 0, op: "Total", value: 9 },
      ],
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: {
      cpu_usage: { ...NO_CPU.cpu_usage, total_usage: 3e9 },
      system_cpu_usage: 10e9,
      online_cpus: 2,
      throttling_data: THROTTLING,
    },
    precpu_stats: {
      cpu_usage: { ...NO_CPU.cpu_usage, total_usage: 2e9 },
      system_cpu_usage: 8e9,
      throttling_data: THROTTLING,
    },
    memory_stats: { usage: 3 << 20, stats: { total_inactive_file: 1 << 20, inactive_file: 5 }, limit: 8 << 20 },
    networks: { eth0: { rx_bytes: 1500, tx_bytes: 0 } as ContainerStats["networks"][string] },
    ...more,
  };
}

/** An engine that lists one container and returns one sample of its stats. */
const oneContainer = () =>
  new FakeEngine(({ path }) => {
    if (path === "/containers/json") return { json: [{ Id: ID }] };
    if (path.endsWith("/stats")) return { json: sample() };
    throw new TsdError("container_not_found", "No such container: db");
  });

Deno.test("stats --no-stream: values and columns are Docker's", async () => {
  const { code, out } = await callTsd(oneContainer(), ["stats", "--no-stream"]);
  assert.equal(code, 0);
  assert.equal(
    out,
    "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O      BLOCK I/O     PIDS\n" +
      "0123456789ab   web       100.00%   2MiB / 8MiB         25.00%    1.5kB / 0B   1kB / 2.5MB   3\n",
  );
});

Deno.test("stats --no-stream --format json: prints all fields, and an unknown container is an error", async () => {
  const { out } = await callTsd(oneContainer(), ["stats", "--no-stream", "--no-trunc", "--format", "json", "web"]);
  assert.deepEqual(JSON.parse(out), {
    BlockIO: "1kB / 2.5MB",
    CPUPerc: "100.00%",
    Container: "web",
    ID,
    MemPerc: "25.00%",
    MemUsage: "2MiB / 8MiB",
    Name: "web",
    NetIO: "1.5kB / 0B",
    PIDs: "3",
  });
  const failing = new FakeEngine(() => {
    throw new TsdError("container_not_found", "No such container: db");
  });
  for (const flags of [["--no-stream"], []]) {
    assert.deepEqual(await callTsd(failing, ["stats", ...flags, "db"]), {
      code: 1,
      out: "",
      err: "tsd: No such container: db\n",
    });
  }
});

/** An engine whose streams stay open and are fed by the test. */
class LiveEngine implements EngineTransport {
  readonly opened = new Map<string, ReadableStreamDefaultController<Uint8Array>>();
  readonly containers: string[] = [];

  request({ path, signal }: EngineRequest): Promise<EngineResponse> {
    const isListing = path === "/containers/json";
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (isListing) {
          controller.enqueue(bytes(JSON.stringify(this.containers.map((Id) => ({ Id })))));
          return controller.close();
        }
        this.opened.set(path, controller);
        signal?.addEventListener("abort", () => {
          if (this.opened.delete(path)) controller.error(new TsdError("cancelled", "gone"));
        });
      },
    });
    return Promise.resolve({ status: 200, headers: new Map(), body });
  }

  hijack(): never {
    throw new Error("stats hijack nothing");
  }

  say(path: string, value: unknown): void {
    this.opened.get(path)!.enqueue(bytes(JSON.stringify(value) + "\n"));
  }

  end(path: string): void {
    this.opened.get(path)!.close();
    this.opened.delete(path);
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

Deno.test("stats: containers are added and removed on their events", async () => {
  const engine = new LiveEngine();
  engine.containers.push("a".repeat(64));
  const [a, b] = ["a".repeat(12), "b".repeat(12)];
  let ended = 0;
  {
    using board = new StatsBoard(new Client(engine));
    await board.followAll(false, () => ended++);
    engine.say(`/containers/${a}/stats`, sample());
    assert.deepEqual(await board.settled(), []);
    engine.say("/events", { Action: "start", Actor: { ID: "b".repeat(64) }, time: 1 });
    await settle();
    assert.deepEqual(board.rows.map(({ requested, latest }) => [requested, latest?.name]), [[a, "/web"], [
      b,
      undefined,
    ]]);
    engine.say("/events", { Action: "die", Actor: { ID: "a".repeat(64) }, time: 2 });
    await settle();
    assert.deepEqual(board.rows.map(({ requested }) => requested), [b]);
    engine.end(`/containers/${b}/stats`);
    await settle();
    assert.deepEqual(board.rows, []);
  }
  await settle();
  assert.deepEqual([[...engine.opened.keys()], ended], [[], 1]);
});

Deno.test("stats: on a terminal a live table replaces the previous one", async () => {
  const engine = new LiveEngine();
  const terminal = new FakeTerminal({ ttys: ["stdout"] });
  const context = { terminal, engine: new Client(engine) } as unknown as CommandContext;
  const flags = { all: false, format: undefined, "no-stream": false, "no-trunc": false };
  const running = stats.run(context, { args: ["web"], flags });
  await settle();
  engine.say("/containers/web/stats", sample());
  while (!terminal.stdout.includes("web")) await settle();
  engine.end("/containers/web/stats");
  assert.equal(await running, 0);
  const shown = terminal.stdout.replaceAll("\x1b", "ESC");
  assert.match(shown, /^ESC\[HCONTAINER ID.*ESC\[K\n0123456789ab.*ESC\[K\nESC\[J$/s);
});
