/** A client's link to a container that it runs: its streams and its exit, also across engines that go away and come back. */
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

/** What output that was under way gets when the exit is known, in ms. */
const LAST_OUTPUT_MS = 1000;

export interface ContainerLinkOptions {
  readonly attach: AttachOptions;
  /** What is waited for. */
  readonly first: WaitCondition;
  /** The same for a container that was started, and may have ended. */
  readonly later: WaitCondition;
}

/** See the file's comment. Made before the container is started, it misses nothing. */
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

  /** Attaches and begins to wait. */
  static async open(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): Promise<{ readonly link: ContainerLink; readonly stream: RawStream }> {
    const link = new ContainerLink(engine, id, options);
    return { link, stream: await link.#connect(options.first) };
  }

  /** Attaches and starts it, where the engine does that at once; otherwise it is attached and waited for, and not started. */
  static async openAndStart(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): Promise<{ readonly link: ContainerLink; readonly stream: RawStream; readonly isStarted: boolean }> {
    const link = new ContainerLink(engine, id, options);
    const { stream, isStarted } = await attachAndStart(engine, id, options.first, options.attach);
    link.#exit = isStarted ? TOLD_BY_STREAM : await waitContainer(engine, id, options.first);
    return { link, stream, isStarted };
  }

  /** To a container that runs, or has ended meanwhile, whose streams another process had. */
  static resume(
    engine: EngineTransport,
    id: string,
    options: ContainerLinkOptions,
  ): { readonly link: ContainerLink; readonly stream: RawStream } {
    const link = new ContainerLink(engine, id, options);
    link.#exit = TOLD_BY_STREAM;
    return { link, stream: NO_STREAM };
  }

  /** The exit, for as long as nobody has asked for its result. */
  get pending(): PendingExit {
    return this.#exit;
  }

  /** How it ended. @throws {TsdError} engine_unavailable */
  result(): Promise<ContainerWaitResponse> {
    return this.#result ??= this.#exit.result();
  }

  /** The streams have ended: new ones, if that was because the engine went away; nothing, if the container has ended. */
  async again(): Promise<RawStream | undefined> {
    try {
      await this.result();
      return undefined;
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
    const stream = await retryUntilAvailable(() => this.#connect(this.#options.later, true));
    this.#result = this.#exit.result();
    // One that has ended meanwhile has no streams, and these would be those of its next run.
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

/** Who has to ask has been cut off. */
const TOLD_BY_STREAM: PendingExit = { result: () => Promise.reject(cutOff()), cancel: () => Promise.resolve() };
