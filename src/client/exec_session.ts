import type { ExecInspect } from "../api_types/mod.ts";
import { isTsdError, TsdError } from "../errors.ts";
import type { Exec } from "./exec.ts";
import { retryUntilAvailable } from "./reconnect.ts";
import type { StdioForwarder } from "./stdio_forwarder.ts";
import type { RawStream } from "./transport.ts";

/** A client's connection to an exec whose streams it has, restored after the engine was replaced. */
export class ExecSession {
  readonly #exec: Exec;
  #state: ExecInspect | undefined;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /** Called when the stream ended. Returns a new stream, or undefined if the process has exited or can't be attached to. */
  async reconnect(): Promise<RawStream | undefined> {
    this.#state = await retryUntilAvailable(() => this.#inspect());
    return this.#state?.TsdAwaited ? await this.#reattach() : undefined;
  }

  /**
   * Returns the exit code when forwarding has ended.
   * @param what the process's description in error messages
   * @throws {TsdError} engine_unavailable: the connection was lost and the exit code is unknown
   */
  async exitCode(forwarder: Pick<StdioForwarder, "exitCode">, what: string): Promise<number> {
    if (forwarder.exitCode !== undefined) return forwarder.exitCode;
    const exec = this.#state ?? await this.#inspect();
    const exitCode = exec?.ExitCode ?? null;
    if (exitCode !== null) return exitCode;
    const state = exec === undefined
      ? "it may still run"
      : exec.Running
      ? "it still runs"
      : "it has ended, and its exit code is unknown";
    throw new TsdError("engine_unavailable", `The connection to ${what} was lost; ${state}`);
  }

  /** Inspects the exec; undefined if a new engine doesn't know it. */
  async #inspect(): Promise<ExecInspect | undefined> {
    try {
      return await this.#exec.inspect();
    } catch (thrown) {
      if (isTsdError(thrown, "exec_not_found")) return undefined;
      throw thrown;
    }
  }

  /** Attaches to the exec again; undefined if another client already has, or the engine doesn't know the exec. */
  async #reattach(): Promise<RawStream | undefined> {
    try {
      return await retryUntilAvailable(() => this.#exec.reattach());
    } catch (thrown) {
      if (isTsdError(thrown, "conflict", "exec_not_found", "page_not_found")) return undefined;
      throw thrown;
    }
  }
}
