/**
 * @module
 * A pool of Workers that access containers' roots, with one job each at a time, so that a hanging file system does not block
 * other jobs. Workers start on demand and are terminated when idle.
 */
import { TsdError } from "../../errors.ts";
import type { CopyJob, FromCopyWorker, PathStat } from "./protocol.ts";
import { CopySession } from "./session.ts";

/** Maximum number of concurrent jobs; further ones are queued. */
const MAX_WORKERS = 8;
const IDLE_MS = 10_000;

interface Member<Info> {
  readonly worker: Worker;
  session: CopySession<Info> | undefined;
}

interface Waiting<Job, Info> {
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly started: PromiseWithResolvers<CopySession<Info>>;
}

export interface CopyWorkersOptions {
  readonly maxWorkers?: number;
  readonly idleMs?: number;
}

/** A pool of archive Workers. Other types of jobs have pools of their own. */
export class CopyWorkers<Job = CopyJob, Info = PathStat> implements Disposable {
  readonly #workerUrl: URL;
  readonly #maxWorkers: number;
  readonly #idleMs: number;
  readonly #members = new Set<Member<Info>>();
  readonly #queue: Waiting<Job, Info>[] = [];
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;

  constructor(workerUrl: URL, { maxWorkers = MAX_WORKERS, idleMs = IDLE_MS }: CopyWorkersOptions = {}) {
    this.#workerUrl = workerUrl;
    this.#maxWorkers = maxWorkers;
    this.#idleMs = idleMs;
  }

  /** Starts a job once a Worker is free. The job ends when `signal` aborts. @throws {TsdError} cancelled */
  async begin(job: Job, signal: AbortSignal): Promise<CopySession<Info>> {
    const waiting: Waiting<Job, Info> = { job, signal, started: Promise.withResolvers() };
    const leave = () => {
      const at = this.#queue.indexOf(waiting);
      if (at < 0) return;
      this.#queue.splice(at, 1);
      waiting.started.reject(new TsdError("cancelled", "The copy was cancelled"));
    };
    this.#queue.push(waiting);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    this.#dispatch();
    try {
      return await waiting.started.promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idleTimer);
    for (const { started } of this.#queue.splice(0)) started.reject(stopping());
    for (const member of this.#members) this.#drop(member, stopping());
  }

  #dispatch(): void {
    clearTimeout(this.#idleTimer);
    for (let member = this.#freeMember(); member !== undefined; member = this.#freeMember()) {
      this.#start(member, this.#queue.shift()!);
    }
    if (this.#members.size === 0 || [...this.#members].some(({ session }) => session !== undefined)) return;
    this.#idleTimer = setTimeout(() => this[Symbol.dispose](), this.#idleMs);
    Deno.unrefTimer(this.#idleTimer);
  }

  /** Returns a Worker for the first queued job; undefined if no job is queued or all Workers are busy. */
  #freeMember(): Member<Info> | undefined {
    if (this.#queue.length === 0) return undefined;
    const free = [...this.#members].find(({ session }) => session === undefined);
    return free ?? (this.#members.size < this.#maxWorkers ? this.#startMember() : undefined);
  }

  #start(member: Member<Info>, { job, signal, started }: Waiting<Job, Info>): void {
    const id = this.#nextId++;
    // Must precede all messages of the session.
    member.worker.postMessage({ kind: "begin", id, job });
    const session = new CopySession<Info>(
      id,
      (message, transfer = []) => member.worker.postMessage(message, transfer),
      signal,
    );
    member.session = session;
    void session.over.then(() => {
      member.session = undefined;
      this.#dispatch();
    });
    started.resolve(session);
  }

  #startMember(): Member<Info> {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "tsd-archive" });
    const member: Member<Info> = { worker, session: undefined };
    worker.onmessage = (event: MessageEvent<FromCopyWorker<Info>>) => member.session?.receive(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#drop(member, new TsdError("internal", `An archive Worker failed: ${event.message}`));
    };
    this.#members.add(member);
    return member;
  }

  #drop(member: Member<Info>, error: TsdError): void {
    this.#members.delete(member);
    member.worker.terminate();
    member.session?.end(error);
  }
}

const stopping = () => new TsdError("cancelled", "The engine is stopping");
