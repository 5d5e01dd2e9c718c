import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { HookBus } from "../hook_bus.ts";
import { Metrics, type MetricsConfig, parseMetricsConfig } from "./metrics.ts";
import { Counter, Histogram } from "./metrics_text.ts";

const CONTAINER = { id: "c1", name: "web", image: "busybox", imageId: "sha256:1", labels: {} };

function setup(config: MetricsConfig = {}) {
  const lines: string[] = [];
  const metrics = new Metrics(config, {
    version: "1.2",
    containers: () => ({ running: 2, exited: 1 }),
    plugins: () => bus.list(),
    residentBytes: () => 123,
  }, new LineLog((line) => lines.push(line)));
  const bus: HookBus = new HookBus([metrics.plugin()], SILENT_LOG);
  return { metrics, bus, lines };
}

Deno.test("hooks are counted", () => {
  const { metrics, bus } = setup();
  const started = { ...CONTAINER, pid: 7 };
  bus.callParallel("container.started", () => ({ ...started, replayed: false }));
  bus.callParallel("container.started", () => ({ ...started, replayed: true }));
  for (const exitCode of [0, 137, 137]) {
    bus.callParallel("container.exited", () => ({ ...CONTAINER, exitCode, ranMs: 1, oomKilled: false }));
  }
  bus.callParallel("container.oom", () => CONTAINER);
  bus.callParallel("volume.created", () => ({ name: "v", labels: {} }));
  const image = { reference: "r", source: "r", id: "i", digest: "d", layers: [], labels: {} };
  for (const downloadedBytes of [100, 50]) bus.callParallel("image.pulled", () => ({ ...image, downloadedBytes }));
  for (const durationMs of [3, 30, 20_000]) {
    bus.callParallel("api.answered", () => ({ method: "GET", route: "/containers/json", status: 200, durationMs }));
  }
  const text = metrics.text();
  for (
    const line of [
      'tsd_build_info{version="1.2"} 1',
      'tsd_containers{state="running"} 2',
      "tsd_engine_resident_bytes 123",
      "tsd_container_starts_total 1",
      'tsd_container_exits_total{code="0"} 1',
      'tsd_container_exits_total{code="137"} 2',
      "tsd_container_ooms_total 1",
      "tsd_image_pulls_total 2",
      "tsd_image_pull_bytes_total 150",
      "tsd_volumes_created_total 1",
      'tsd_api_requests_total{method="GET",route="/containers/json",status="200"} 3',
      'tsd_api_request_duration_seconds_bucket{method="GET",route="/containers/json",le="0.005"} 1',
      'tsd_api_request_duration_seconds_bucket{method="GET",route="/containers/json",le="0.05"} 2',
      'tsd_api_request_duration_seconds_bucket{method="GET",route="/containers/json",le="10"} 2',
      'tsd_api_request_duration_seconds_bucket{method="GET",route="/containers/json",le="+Inf"} 3',
      'tsd_api_request_duration_seconds_sum{method="GET",route="/containers/json"} 20.033',
      'tsd_api_request_duration_seconds_count{method="GET",route="/containers/json"} 3',
      'tsd_plugin_enabled{plugin="metrics"} 1',
      'tsd_plugin_failures_total{plugin="metrics"} 0',
      "# TYPE tsd_plugin_failures_total counter",
      "# TYPE tsd_containers gauge",
    ]
  ) assert.ok(text.split("\n").includes(line), line);
});

Deno.test("format: help and type come first, labels are escaped, counters without labels start at 0", () => {
  const counter = new Counter("c_total", "Line one\nand \\ two.");
  counter.add({ a: 'x"\\\n' });
  assert.equal(
    counter.text(),
    '# HELP c_total Line one\\nand \\\\ two.\n# TYPE c_total counter\nc_total{a="x\\"\\\\\\n"} 1\n',
  );
  assert.match(new Counter("p_total", "Plain.", { isPlain: true }).text(), /^p_total 0$/m);
  const histogram = new Histogram("h", "Some.", [1, 2]);
  histogram.observe({}, 1.5);
  assert.match(histogram.text(), /h_bucket\{le="1"\} 0\nh_bucket\{le="2"\} 1\nh_bucket\{le="\+Inf"\} 1\nh_sum 1\.5\n/);
});

Deno.test("a loopback address is served until the plugin is closed, but not to web pages", async () => {
  const { bus, lines } = setup({ address: { hostname: "127.0.0.1", port: 0 } });
  const [, port] = /port=(\d+)/.exec(lines[0]!)!;
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
  };
  const { status, type, text } = await ask("/metrics");
  assert.deepEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"]);
  assert.match(text, /^tsd_container_starts_total 0$/m);
  assert.equal((await ask("/")).status, 404);
  assert.equal((await ask("/metrics", { method: "POST" })).status, 405);
  assert.equal((await ask("/metrics", { headers: { origin: "http://page" } })).status, 403);
  assert.equal(await statusWithHost(Number(port), "rebound.example"), 403);
  const { lines: second } = setup({ address: { hostname: "127.0.0.1", port: Number(port) } });
  assert.match(second[0]!, /error metrics: metrics can't be served hostname=127\.0\.0\.1/);
  await bus[Symbol.asyncDispose]();
  await assert.rejects(ask("/metrics"));
});

async function statusWithHost(port: number, host: string): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(
    new TextEncoder().encode(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  );
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ")[1]);
}

Deno.test("only loopback addresses may be configured", () => {
  for (const address of ["127.0.0.1:9323", "localhost:1", "[::1]:65535", "127.1.2.3:80"]) {
    parseMetricsConfig({ address });
  }
  assert.deepEqual(parseMetricsConfig({}), {});
  for (const address of ["0.0.0.0:1", "10.0.0.1:1", "127.0.0.1", "[::]:1", "127.0.0.1:70000", "localhost.evil:1"]) {
    assert.throws(() => parseMetricsConfig({ address }), (thrown) => isTsdError(thrown, "invalid_argument"));
  }
});
