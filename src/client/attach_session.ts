import type { ContainerWaitResponse, WaitCondition } from "../api_types/mod.ts";
import { isTsdError, TsdError } from "../errors.ts";
import { connectionLost } from "./byte_reader.ts";
import type { AttachOptions, Container, PendingWait } from "./container.ts";
import { hasStarted } from "./lost_start.ts";
import { isConnectionLost, retryUntilAvailable } from "./reconnect.ts";
import { NO_STREAM } from "./stdio_forwarder.ts";
import type { RawStream } from "./transport.ts";

/** The time that pending output gets to arrive after the exit is known, in ms. */
const LAST_OUTPUT_MS = 1000;
/** The longest wait for the removal of a container that failed to start, in ms. */
const REMOVAL_LIMIT_MS = 5000;

/** Options of a session that starts a container. */
export interface StartSessionOptions {
  readonly attach: AttachOptions;
  /** The container has a terminal. */
  readonly tty: boolean;
  /** The engine removes the container when it exits: the session ends with the removal. */
  readonly autoRemove: boolean;
}

/** The conditions that a session waits for. */
interface Conditions {
  readonly first: WaitCondition;
  /** After a reconnect, when the container has been started and may have exited. */
  readonly afterReconnect: WaitCondition;
}

/**
 * A client's connection to a container whose main process it is attached to: streams and exit, restored after the engine
 * was replaced. The session begins before the container starts, so that neither output nor exit is missed. Use:
 *
 * 1. {@link attachToStart}, or {@link attach} to a running container
 * 2. forward {@link stream} (see `StdioForwarder`), which calls {@link reconnect} when it ends
 * 3. {@link start}
 * 4. {@link exitCode} when the output has ended, or {@link cancel}
 */
export class AttachSession {
  readonly #container: Container;
  readonly #attach: AttachOptions;
  readonly #conditions: Conditions;
  readonly #autoRemove: boolean;
  #isStarted = false;
  #stream: RawStream = NO_STREAM;
  #exit: PendingWait = REPORTED_BY_STREAM;
  #result: Promise<ContainerWaitResponse> | undefined;

  private constructor(container: Container, attach: AttachOptions, conditions: Conditions, autoRemove = false) {
    this.#container = container;
    this.#attach = attach;
    this.#conditions = conditions;
    this.#autoRemove = autoRemove;
  }

  /** Attaches to a running container. @throws {TsdError} container_not_found */
  static async attach(container: Container, attach: AttachOptions): Promise<AttachSession> {
    const session = new AttachSession(container, attach, { first: "not-running", afterReconnect: "not-running" });
    session.#stream = await session.#connect("not-running");
    session.#isStarted = true;
    return session;
  }

  /**
   * Attaches to a container that is to be started, and starts it in the same request if it has no terminal and the engine
   * can do that. Whether a start whose response was lost took effect is asked from the next engine.
   */
  static async attachToStart(container: Container, options: StartSessionOptions): Promise<AttachSession> {
    const session = AttachSession.#toStart(container, options);
    // A terminal's raw stream can't report an exit code.
    if (options.tty) {
      session.#stream = await session.#connect(session.#conditions.first);
      return session;
    }
    const requestedMs = Date.now();
    try {
      await session.#attachAndStart();
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
      if (await hasStarted(container, requestedMs)) session.#isStarted = true;
      else await session.#attachAndStart();
    }
    return session;
  }

  /** Continues with a started, possibly exited container whose streams another process had. */
  static resume(container: Container, options: StartSessionOptions): AttachSession {
    const session = AttachSession.#toStart(container, options);
    session.#isStarted = true;
    return session;
  }

  static #toStart(container: Container, { attach, autoRemove }: StartSessionOptions): AttachSession {
    const conditions: Conditions = autoRemove
      ? { first: "removed", afterReconnect: "removed" }
      : { first: "next-exit", afterReconnect: "not-running" };
    return new AttachSession(container, attach, conditions, autoRemove);
  }

  /** The first stream. The caller owns it. */
  get stream(): RawStream {
    return this.#stream;
  }

  /** Whether the container was started. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Starts the container unless it was started. If that fails, waits until an `autoRemove` container is removed. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    try {
      await startOnce(this.#container);
      this.#isStarted = true;
    } catch (thrown) {
      if (this.#autoRemove) await removed(this.#exit);
      else await this.#exit.cancel();
      throw thrown;
    }
  }

  /** Resolves to the container's exit code. @throws {TsdError} runtime_failed (the wait failed), engine_unavailable */
  async exitCode(): Promise<number> {
    const { StatusCode, Error: failure } = await this.#awaitExit();
    if (failure?.Message) throw new TsdError("runtime_failed", failure.Message);
    return StatusCode;
  }

  /** Ends the session without waiting for the exit. */
  async cancel(): Promise<void> {
    await this.#exit.cancel();
  }

  /**
   * Called when the stream ended. Returns a new stream if the connection to the engine was lost, and undefined if the
   * container has exited.
   */
  async reconnect(): Promise<RawStream | undefined> {
    try {
      await this.#awaitExit();
      return undefined;
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
    const stream = await retryUntilAvailable(() => this.#connect(this.#conditions.afterReconnect, true));
    this.#result = this.#exit.result();
    // If the container has exited in the meantime, this stream is attached to its next start and must be closed.
    const giveUp = () => void setTimeout(() => stream[Symbol.dispose](), LAST_OUTPUT_MS);
    this.#result.then(giveUp, (thrown) => isConnectionLost(thrown) ? undefined : giveUp());
    return stream;
  }

  #awaitExit(): Promise<ContainerWaitResponse> {
    return this.#result ??= this.#exit.result();
  }

  async #attachAndStart(): Promise<void> {
    const { first } = this.#conditions;
    const { stream, isStarted } = await this.#container.attachAndStart(first, this.#attach);
    this.#stream = stream;
    this.#isStarted = isStarted;
    if (!isStarted) this.#exit = await this.#container.beginWait(first);
  }

  async #connect(condition: WaitCondition, mayBeRemoved = false): Promise<RawStream> {
    const [stream, exit] = await Promise.all([
      this.#openStream(mayBeRemoved),
      this.#container.beginWait(condition),
    ]);
    this.#exit = exit;
    return stream;
  }

  async #openStream(mayBeRemoved: boolean): Promise<RawStream> {
    try {
      return await this.#container.attach(this.#attach);
    } catch (thrown) {
      if (mayBeRemoved && isTsdError(thrown, "container_not_found")) return NO_STREAM;
      throw thrown;
    }
  }
}

/** An exit that the stream reports. Its result is needed only if the stream was cut off, and rejects accordingly. */
const REPORTED_BY_STREAM: PendingWait = {
  result: () => Promise.reject(connectionLost()),
  cancel: () => Promise.resolve(),
};

/** Starts a container. Its output may arrive before the answer: if the engine exits in between, the next one knows. */
async function startOnce(container: Container): Promise<void> {
  const requestedMs = Date.now();
  try {
    await container.start();
  } catch (thrown) {
    if (!isConnectionLost(thrown)) throw thrown;
    if (!await hasStarted(container, requestedMs)) await container.start();
  }
}

/** Waits until a container that failed to start is removed, so that its name is free when this process exits. */
async function removed(exit: PendingWait): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, REMOVAL_LIMIT_MS);
  await Promise.race([exit.result().then(() => undefined, () => undefined), limit.promise]);
  clearTimeout(timer);
}
