/**
 * @module
 * The connection to the log Worker: starts it, sends messages and requests, and detects its failure.
 */
import { deserialiseError, type SerialisedError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { FromLogWorker, ToLogWorker } from "./protocol.ts";

type Answer = Extract<FromLogWorker, { readonly kind: "ready" | "flushed" | "suspended" | "cleared" }>;
/** A message of the Worker that answers no request. */
export type LogWorkerNotification = Exclude<FromLogWorker, Answer>;

/** A running log Worker. Disposing of it writes everything that was read to the logs, and terminates the Worker. */
export class LogWorkerLink implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #onNotification: (notification: LogWorkerNotification) => void;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<void>();
  #ticket = 0;
  #failure: TsdError | undefined;

  /** @param url URL of the module `worker.ts`, in the form in which this program runs */
  constructor(url: URL, log: Log, onNotification: (notification: LogWorkerNotification) => void) {
    this.#onNotification = onNotification;
    this.#worker = new Worker(url, { type: "module", name: "tsd-logs" });
    this.#worker.onmessage = (event: MessageEvent<FromLogWorker>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      log.error("the log Worker failed", { error: event.message });
      this.#fail(new TsdError("internal", `The log Worker failed: ${event.message}`));
    };
  }

  /** Resolves once the Worker runs. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  post(message: ToLogWorker): void {
    this.#worker.postMessage(message);
  }

  /**
   * Sends a request and returns the Worker's answer.
   * @param message creates the message that carries the ticket of the request
   * @throws {TsdError} the error in the answer; internal, if the Worker failed
   */
  async request<T = void>(message: (ticket: number) => ToLogWorker): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const ticket = ++this.#ticket;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(ticket, answer);
    this.post(message(ticket));
    return await answer.promise as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ready.promise.catch(() => undefined);
    if (this.#failure === undefined) await this.request((ticket) => ({ kind: "suspend", ticket }));
    this.#worker.terminate();
  }

  #receive(message: FromLogWorker): void {
    switch (message.kind) {
      case "ready":
        return this.#ready.resolve();
      case "flushed":
        return this.#answer(message.ticket);
      case "suspended":
        return this.#answer(message.ticket, undefined, message.seen);
      case "cleared":
        return this.#answer(message.ticket, message.error);
      default:
        this.#onNotification(message);
    }
  }

  #answer(ticket: number, error?: SerialisedError, value?: unknown): void {
    const answer = this.#answers.get(ticket);
    this.#answers.delete(ticket);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(deserialiseError(error));
  }

  /** Rejects pending and future requests. */
  #fail(error: TsdError): void {
    this.#failure = error;
    this.#ready.reject(error);
    for (const answer of this.#answers.values()) answer.reject(error);
    this.#answers.clear();
  }
}
