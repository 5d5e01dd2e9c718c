/** The log Worker as a partner: it is started, told and asked things, and its failure is noticed. */
import { deserialiseError, type SerialisedError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { FromLogWorker, ToLogWorker } from "./protocol.ts";

type Answer = Extract<FromLogWorker, { readonly kind: "ready" | "flushed" | "suspended" | "cleared" }>;
/** What it says of its own accord. */
export type LogWorkerNotification = Exclude<FromLogWorker, Answer>;

/** Dispose of it to end the Worker; all that it read by then is in the logs. */
export class LogWorkerLink implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #onNews: (news: LogWorkerNotification) => void;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<void>();
  #ticket = 0;
  #failure: TsdError | undefined;

  /** `url` names the module `worker.ts`, in the form in which this program runs. */
  constructor(url: URL, log: Log, onNews: (news: LogWorkerNotification) => void) {
    this.#onNews = onNews;
    this.#worker = new Worker(url, { type: "module", name: "tsd-logs" });
    this.#worker.onmessage = (event: MessageEvent<FromLogWorker>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      log.error("the log Worker failed", { error: event.message });
      this.#fail(new TsdError("internal", `The log Worker failed: ${event.message}`));
    };
  }

  /** Resolves when the Worker runs. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  post(message: ToLogWorker): void {
    this.#worker.postMessage(message);
  }

  /** @throws {TsdError} what the Worker answers; internal: it failed */
  async ask<T = void>(message: (ticket: number) => ToLogWorker): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const ticket = ++this.#ticket;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(ticket, answer);
    this.post(message(ticket));
    return await answer.promise as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ready.promise.catch(() => undefined);
    if (this.#failure === undefined) await this.ask((ticket) => ({ kind: "suspend", ticket }));
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
        this.#onNews(message);
    }
  }

  #answer(ticket: number, error?: SerialisedError, value?: unknown): void {
    const answer = this.#answers.get(ticket);
    this.#answers.delete(ticket);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(deserialiseError(error));
  }

  /** Nobody answers any more. */
  #fail(error: TsdError): void {
    this.#failure = error;
    this.#ready.reject(error);
    for (const answer of this.#answers.values()) answer.reject(error);
    this.#answers.clear();
  }
}
