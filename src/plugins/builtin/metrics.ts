/**
 * @module
 * Built-in plugin: Prometheus metrics, served as `GET /metrics` on the engine's socket, and on a loopback address if
 * one is configured.
 */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { PluginStatus } from "../loaded_plugin.ts";
import type { Plugin, PluginHooks } from "../plugin.ts";
import { type Infer, object, optional, text } from "../schema.ts";
import { conform } from "../validate.ts";
import { serveMetrics } from "./metrics_server.ts";
import { Counter, type Family, Gauge, Histogram } from "./metrics_text.ts";

const CONFIG = object({
  address: optional(text("An address on loopback to serve `/metrics` at: `127.0.0.1:9323`.")),
});

export interface MetricsConfig {
  readonly address?: { readonly hostname: string; readonly port: number };
}

/** Values that are read on each scrape. */
export interface MetricsSources {
  readonly version: string;
  /** Returns numbers of containers by state. */
  readonly containers: () => Readonly<Record<string, number>>;
  readonly plugins: () => readonly PluginStatus[];
  /** Returns the engine's resident set size in bytes. */
  readonly residentBytes: () => number;
}

/** Upper bounds of the buckets, in seconds. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Validates the configuration.
 * @throws {TsdError} invalid_argument, naming the field
 */
export function parseMetricsConfig(given: unknown): MetricsConfig {
  const { address }: Infer<typeof CONFIG> = conform(CONFIG, given);
  if (address === undefined) return {};
  const [, host = "", digits = ""] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (!LOOPBACK.test(host) || port > 65_535 || digits === "") {
    throw new TsdError(
      "invalid_argument",
      `address is ${JSON.stringify(address)}, which is no ADDRESS:PORT on loopback`,
    );
  }
  return { address: { hostname: host.replace(/^\[|\]$/g, ""), port } };
}

/** Collects metrics from hooks and sources. */
export class Metrics {
  readonly #config: MetricsConfig;
  readonly #log: Log;
  readonly #starts = new Counter("tsd_container_starts_total", "Containers that were started.", { isPlain: true });
  readonly #exits = new Counter("tsd_container_exits_total", "Runs of containers that have ended, by exit code.");
  readonly #ooms = new Counter("tsd_container_ooms_total", "Kills in containers for want of memory.", {
    isPlain: true,
  });
  readonly #health = new Counter("tsd_health_changes_total", "Changes of containers' health, by what came of it.");
  readonly #pulls = new Counter("tsd_image_pulls_total", "Images that were pulled.", { isPlain: true });
  readonly #pulled = new Counter("tsd_image_pull_bytes_total", "Compressed content of layers that was fetched.", {
    isPlain: true,
  });
  readonly #volumes = new Counter("tsd_volumes_created_total", "Volumes that were made.", { isPlain: true });
  readonly #requests = new Counter("tsd_api_requests_total", "Requests, by method, route and status.");
  readonly #durations = new Histogram(
    "tsd_api_request_duration_seconds",
    "Time until a request's answer began, by method and route.",
    DURATIONS,
  );
  readonly #families: readonly Family[];

  constructor(config: MetricsConfig, sources: MetricsSources, log: Log) {
    this.#config = config;
    this.#log = log.scope("metrics");
    this.#families = [
      ...gauges(sources),
      ...[this.#starts, this.#exits, this.#ooms, this.#health, this.#pulls, this.#pulled, this.#volumes],
      ...[this.#requests, this.#durations],
    ];
  }

  /** Returns all metrics in the text format. */
  text(): string {
    return this.#families.map((family) => family.text()).join("");
  }

  /** Returns the plugin. A configured address is served until the plugin is closed. */
  plugin(): Plugin {
    const server = this.#config.address && serveMetrics(this.#config.address, () => this.text(), this.#log);
    return {
      ...{ name: "metrics", apiVersion: 1, order: "post", hooks: this.#hooks() },
      close: async () => await server?.[Symbol.asyncDispose](),
    };
  }

  #hooks(): PluginHooks {
    return {
      "container.started": ({ replayed }) => replayed ? undefined : this.#starts.add(),
      "container.exited": ({ exitCode }) => this.#exits.add({ code: String(exitCode) }),
      "container.oom": () => this.#ooms.add(),
      "health.changed": ({ status }) => this.#health.add({ status }),
      "image.pulled": ({ downloadedBytes }) => {
        this.#pulls.add();
        this.#pulled.add({}, downloadedBytes);
      },
      "volume.created": () => this.#volumes.add(),
      "api.answered": ({ method, route, status, durationMs }) => {
        this.#requests.add({ method, route, status: String(status) });
        this.#durations.observe({ method, route }, durationMs / 1000);
      },
    };
  }
}

function gauges({ version, containers, plugins, residentBytes }: MetricsSources): Family[] {
  const each = (value: (status: PluginStatus) => number) => () =>
    plugins().map((status) => [{ plugin: status.name }, value(status)] as const);
  return [
    new Gauge("tsd_build_info", "The engine's version.", () => [[{ version }, 1]]),
    new Gauge(
      "tsd_containers",
      "Containers, by state.",
      () => Object.entries(containers()).map(([state, count]) => [{ state }, count] as const),
    ),
    new Gauge("tsd_engine_resident_bytes", "Memory of the engine's process.", () => [[{}, residentBytes()]]),
    new Gauge(
      "tsd_plugin_enabled",
      "Whether a plugin is asked; 0: it has failed too often.",
      each(({ enabled }) => enabled ? 1 : 0),
    ),
    new Gauge("tsd_plugin_failures_total", "Failures of a plugin.", each(({ failures }) => failures), "counter"),
  ];
}
