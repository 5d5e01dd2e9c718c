/**
 * @module
 * How layers can be mounted here is found out by trying, which takes as long as a start. That is done while an engine has
 * nothing else to do, so that nobody's first container waits for it.
 */
import type { Log } from "../../log.ts";
import type { Snapshotter, StatusReporter } from "../../store/driver.ts";

/** How long after the engine's start, in ms: a client that has started it for a container is served by then. */
const AFTER_MS = 300;

/** Tries once; what goes wrong is said by the start that needs it. */
export class StorageProbe implements AsyncDisposable {
  #trial: Promise<void> | undefined;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(
    layers: Partial<StatusReporter>,
    snapshots: Pick<Snapshotter, "probeMount">,
    log: Log,
    afterMs = AFTER_MS,
  ) {
    const attempt = async () => {
      await layers.status?.();
      await snapshots.probeMount?.();
    };
    this.#timer = setTimeout(() => {
      this.#trial = attempt().catch((thrown) => log.debug("storage could not be tried", { error: String(thrown) }));
    }, afterMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#trial;
  }
}
