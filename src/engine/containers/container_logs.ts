/** @module `docker logs`: reads a container's log files, follows them while it runs, and clears them. */
import { TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { LogFiles } from "../../runtime/logs/log_files.ts";
import type { LogLease } from "../../runtime/logs/log_readers.ts";
import type { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import type { LogSpec } from "../../runtime/logs/protocol.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { Container } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { LogSelection } from "./line_filter.ts";
import { isLogged, logSpec } from "../model/log_options.ts";
import { type LogFollower, readLog } from "./log_reader.ts";

export interface LogRequest extends LogSelection {
  readonly follow: boolean;
  /** Aborts reading and following. */
  readonly signal: AbortSignal;
}

/** The longest delay that setTimeout accepts, in ms. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** Returns the log of a container; undefined with the log driver `none`. */
export function logOf({ id, name, record }: Container, paths: EnginePaths): LogSpec | undefined {
  const { config, hostConfig, imageId, imageName } = record;
  if (!isLogged(hostConfig)) return undefined;
  return logSpec(containerPaths(paths, id).log, hostConfig.LogConfig, {
    ...{ id, name, imageId, imageName },
    labels: config.Labels ?? {},
    env: config.Env ?? [],
    command: [...config.Entrypoint ?? [], ...config.Cmd ?? []],
  });
}

/** Older than any file of a log, so that all files are kept. */
const EVERY_FILE = -1;

/** Reads and clears the logs of containers. */
export class ContainerLogs {
  readonly #table: Pick<ContainerTable, "find">;
  readonly #hub: StdioRouter;
  readonly #paths: EnginePaths;
  readonly #log: Log;

  constructor(table: Pick<ContainerTable, "find">, hub: StdioRouter, paths: EnginePaths, log: Log) {
    this.#table = table;
    this.#hub = hub;
    this.#paths = paths;
    this.#log = log.scope("logs");
  }

  /**
   * Reads records in the order of the log, in batches, each of which is valid until the next one is requested. Read
   * them to the end or call `return()`.
   * @throws {TsdError} container_not_found, invalid_argument (no stream requested), not_implemented (no log)
   */
  async read(nameOrId: string, request: LogRequest): Promise<AsyncIterable<readonly LogRecord[]>> {
    const container = this.#table.find(nameOrId);
    if (!request.stdout && !request.stderr) {
      throw new TsdError("invalid_argument", "Bad parameters: you must choose at least one stream");
    }
    const spec = logOf(container, this.#paths);
    if (spec === undefined) {
      throw new TsdError("not_implemented", "configured logging driver does not support reading");
    }
    // The lease is taken first, so that no file is rotated away before it was read.
    using owned = new DisposableStack();
    const lease = owned.use(this.#hub.leaseLog(container.id));
    lease.need(EVERY_FILE);
    // Everything that the process has written so far is in the file now.
    if (this.#hub.isOpen(container.id)) await this.#hub.flush();
    return endingWith(owned.move(), (held) => this.#records(container, spec, request, lease, held));
  }

  /** Removes everything logged so far. @throws {TsdError} container_not_found, not_implemented (no log), storage */
  async clear(nameOrId: string): Promise<void> {
    const container = this.#table.find(nameOrId);
    const spec = logOf(container, this.#paths);
    if (spec === undefined) {
      throw new TsdError("not_implemented", `Cannot clear the log of ${nameOrId}: its log driver is none`);
    }
    await this.#hub.clearLog(container.id, spec);
  }

  async *#records(
    container: Container,
    { path }: LogSpec,
    request: LogRequest,
    lease: LogLease,
    owned: DisposableStack,
  ): AsyncGenerator<readonly LogRecord[]> {
    const follower = request.follow ? this.#follow(container.id, request, owned) : undefined;
    const onTrouble = (what: string, sequence: number) =>
      this.#log.warn(what, { container: container.id, file: lease.sequence.newest - sequence });
    yield* readLog({ files: new LogFiles(path, lease.sequence), lease, onTrouble }, request, follower);
  }

  #follow(id: string, { signal, until }: LogRequest, owned: DisposableStack): LogFollower {
    let wake = Promise.withResolvers<void>();
    let isOver = signal.aborted;
    const changed = () => {
      const before = wake;
      wake = Promise.withResolvers();
      before.resolve();
    };
    const stop = () => {
      isOver = true;
      changed();
    };
    const writer = owned.use(this.#hub.watchLog(id, changed));
    signal.addEventListener("abort", stop);
    owned.defer(() => signal.removeEventListener("abort", stop));
    if (until !== undefined) {
      // Later records are past the span, and earlier ones are in the file after the flush. A log Worker that has failed
      // writes nothing more either.
      owned.use(atTime(Date.parse(until), () => void this.#hub.flush().then(stop, stop)));
    }
    return { changed: () => wake.promise, ended: () => isOver || writer.ended() };
  }
}

/**
 * Calls `due` at a time.
 * @param timeMs Unix time in ms
 */
function atTime(timeMs: number, due: () => void): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    const remainingMs = timeMs - Date.now();
    // One more, because the last digits of a time are below a millisecond.
    timer = setTimeout(
      remainingMs < LONGEST_TIMER_MS ? due : arm,
      Math.min(Math.max(remainingMs + 1, 0), LONGEST_TIMER_MS),
    );
  };
  arm();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Returns what `make` generates. `owned` is disposed of at its end, even if no value was ever requested. */
function endingWith<T>(owned: DisposableStack, make: (owned: DisposableStack) => AsyncGenerator<T>): AsyncIterable<T> {
  const values = make(owned);
  const settle = async (step: () => Promise<IteratorResult<T>>): Promise<IteratorResult<T>> => {
    try {
      const result = await step();
      if (result.done) owned.dispose();
      return result;
    } catch (thrown) {
      owned.dispose();
      throw thrown;
    }
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => settle(() => values.next()),
      return: () => settle(() => values.return(undefined)),
    }),
  };
}
