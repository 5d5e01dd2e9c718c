/**
 * @module
 * `docker logs` for one container: its log file, followed while it runs.
 */
import { TsdError } from "../../errors.ts";
import type { OutputHub } from "../../runtime/logs/output_hub.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { ContainerTable } from "./container_table.ts";
import { type LogFollower, type LogRecord, type LogSelection, readLog } from "./log_reader.ts";

export interface LogRequest extends LogSelection {
  readonly follow: boolean;
  /** Ends following. */
  readonly signal: AbortSignal;
}

/** See the module's comment. */
export class ContainerLogs {
  readonly #table: ContainerTable;
  readonly #hub: OutputHub;
  readonly #paths: EnginePaths;

  constructor(table: ContainerTable, hub: OutputHub, paths: EnginePaths) {
    this.#table = table;
    this.#hub = hub;
    this.#paths = paths;
  }

  /** @throws {TsdError} container_not_found, invalid_argument (no stream was asked for), not_implemented (no log) */
  async read(nameOrId: string, request: LogRequest): Promise<AsyncIterable<LogRecord>> {
    const container = this.#table.find(nameOrId);
    if (!request.stdout && !request.stderr) {
      throw new TsdError("invalid_argument", "Bad parameters: you must choose at least one stream");
    }
    if (container.record.hostConfig.LogConfig?.Type === "none") {
      throw new TsdError("not_implemented", "configured logging driver does not support reading");
    }
    // What the process wrote before this moment is in the file now.
    if (this.#hub.isOpen(container.id)) await this.#hub.flush();
    const follower = request.follow ? this.#follow(container.id, request.signal) : undefined;
    return readLog(containerPaths(this.#paths, container.id).log, request, follower);
  }

  #follow(id: string, signal: AbortSignal): LogFollower {
    let wake = Promise.withResolvers<void>();
    const changed = () => {
      const before = wake;
      wake = Promise.withResolvers();
      before.resolve();
    };
    const stop = this.#hub.onWritten(id, changed);
    signal.addEventListener("abort", () => {
      stop();
      changed();
    }, { once: true });
    return { changed: () => wake.promise, ended: () => signal.aborted || !this.#hub.isOpen(id) };
  }
}
