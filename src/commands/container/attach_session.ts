/** A client's connection to a container that it runs: streams and exit, restored after the engine was restarted. */
import type { ContainerWaitResponse, WaitCondition } from "../../api_types/mod.ts";
import { isConnectionLost, retryUntilAvailable } from "../../client/reconnect.ts";
import { cutOff } from "../../client/byte_reader.ts";
import {
  attachAndStart,
  attachContainer,
  type AttachOptions,
  type PendingExit,
  waitContainer,
} from "../../client/containers.ts";
import type { EngineTransport, RawStream } from "../../client/transport.ts";
import { isTsdError } from "../../errors.ts";
import { NO_STREAM } from "../stdio_session.ts";

/** The time that pending output gets to arrive after the exit is known, in ms. */
const LAST_OUTPUT_MS = 1000;

export interface ContainerLinkOptions {
  readonly attach: AttachOptions;
  /** The condition to wait for. */
  readonly first: WaitCondition;
  /** The condition to wait for after a reconnect, when the container has been started and may have exited. */
  readonly afterReconnect: WaitCondition;
}

/**
 * A client's connection to a container that it runs: streams and exit, restored after the engine was restarted. If it is
 * opened before the container is started, neither output nor exit is missed.
 */
export class ContainerLink {
  readonly #engine: EngineTransport;
  readonly #id: string;
  readonly #options: ContainerLinkOptions;
  #exit!: PendingExit;
  #result: Promise<ContainerWaitResponse> | undefined;

  private constructor(engine: EngineTransport, id: string, options: ContainerLinkOptions) {
    this.#engine = engine;
    this.#id = id;
    this.#options = options;
  }

  /** Attaches to the container and starts waiting for its exit. The caller owns the stream. */
  static async open(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): Promise<{ readonly link: ContainerLink; readonly stream: RawStream }> {
    const link = new ContainerLink(engine, id, options);
    return { link, stream: await link.#connect(options.first) };
  }

  /**
   * Attaches to the container and starts it in one request, if the engine supports that. Otherwise attaches and waits as
   * {@link open} does, without starting the container. The caller owns the stream.
   */
  static async openAndStart(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): Promise<{ readonly link: ContainerLink; readonly stream: RawStream; readonly isStarted: boolean }> {
    const link = new ContainerLink(engine, id, options);
    const { stream, isStarted } = await attachAndStart(engine, id, options.first, options.attach);
    link.#exit = isStarted ? REPORTED_BY_STREAM : await waitContainer(engine, id, options.first);
    return { link, stream, isStarted };
  }

  /** Continues with a running or exited container whose streams another process had. */
  static resume(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): { readonly link: ContainerLink; readonly stream: RawStream } {
    const link = new ContainerLink(engine, id, options);
    link.#exit = REPORTED_BY_STREAM;
    return { link, stream: NO_STREAM };
  }

  /** The pending exit, to be canceled if {@link result} isn't called. */
  get pending(): PendingExit {
    return this.#exit;
  }

  /** Resolves to the container's exit. @throws {TsdError} engine_unavailable */
  result(): Promise<ContainerWaitResponse> {
    return this.#result ??= this.#exit.result();
  }

  /**
   * Called when the stream ended. Returns a new stream if the connection to the engine was lost, and undefined if the
   * container has exited.
   */
  async reconnect(): Promise<RawStream | undefined> {
    try {
      await this.result();
      return undefined;
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
    const stream = await retryUntilAvailable(() => this.#connect(this.#options.afterReconnect, true));
    this.#result = this.#exit.result();
    // If the container has exited in the meantime, this stream is attached to its next start and must be closed.
    const giveUp = () => void setTimeout(() => stream[Symbol.dispose](), LAST_OUTPUT_MS);
    this.#result.then(giveUp, (thrown) => isConnectionLost(thrown) ? undefined : giveUp());
    return stream;
  }

  async #connect(condition: WaitCondition, mayBeRemoved = false): Promise<RawStream> {
    const [stream, exit] = await Promise.all([
      this.#attach(mayBeRemoved),
      waitContainer(this.#engine, this.#id, condition),
    ]);
    this.#exit = exit;
    return stream;
  }

  async #attach(mayBeRemoved: boolean): Promise<RawStream> {
    try {
      return await attachContainer(this.#engine, this.#id, this.#options.attach);
    } catch (thrown) {
      if (mayBeRemoved && isTsdError(thrown, "container_not_found")) return NO_STREAM;
      throw thrown;
    }
  }
}

/** An exit that the stream reports. Its result is needed only if the stream was cut off, and rejects accordingly. */
const REPORTED_BY_STREAM: PendingExit = { result: () => Promise.reject(cutOff()), cancel: () => Promise.resolve() };
