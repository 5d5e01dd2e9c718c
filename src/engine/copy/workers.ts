/**
 * @module
 * The Workers that look into containers' roots, one job each at a time: a file system that hangs holds up nobody else. They
 * start when they are needed and go away when idle.
 */
import { TsdError } from "../../errors.ts";
import type { CopyJob, FromCopyWorker, PathStat } from "./protocol.ts";
import { CopySession } from "./session.ts";

/** Jobs at a time; others wait. */
const MAX_WORKERS = 8;
const IDLE_MS = 10_000;

interface Member<Facts> {
  readonly worker: Worker;
  session: CopySession<Facts> | undefined;
}

interface Waiting<Job, Facts> {
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly started: PromiseWithResolvers<CopySession<Facts>>;
}

export interface CopyWorkersOptions {
  readonly maxWorkers?: number;
  readonly idleMs?: number;
}

/** See the module's comment. Other jobs than those on containers' roots have Workers of their own. */
export class CopyWorkers<Job = CopyJob, Facts = PathStat> implements Disposable {
  readonly #workerUrl: URL;
  readonly #maxWorkers: number;
  readonly #idleMs: number;
  readonly #members = new Set<Member<Facts>>();
  readonly #queue: Waiting<Job, Facts>[] = [];
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;

  constructor(workerUrl: URL, { maxWorkers = MAX_WORKERS, idleMs = IDLE_MS }: CopyWorkersOptions = {}) {
    this.#workerUrl = workerUrl;
    this.#maxWorkers = maxWorkers;
    this.#idleMs = idleMs;
  }

  /** Begins a job as soon as there is room for it. It lasts no longer than the signal. @throws {TsdError} cancelled */
  async begin(job: Job, signal: AbortSignal): Promise<CopySession<Facts>> {
    const waiting: Waiting<Job, Facts> = { job, signal, started: Promise.withResolvers() };
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

  /** One for the first that waits; undefined when nobody waits, or all are at work. */
  #freeMember(): Member<Facts> | undefined {
    if (this.#queue.length === 0) return undefined;
    const free = [...this.#members].find(({ session }) => session === undefined);
    return free ?? (this.#members.size < this.#maxWorkers ? this.#startMember() : undefined);
  }

  #start(member: Member<Facts>, { job, signal, started }: Waiting<Job, Facts>): void {
    const id = this.#nextId++;
    // Before whatever the session may have to say.
    member.worker.postMessage({ kind: "begin", id, job });
    const session = new CopySession<Facts>(
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

  #startMember(): Member<Facts> {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "tsd-archive" });
    const member: Member<Facts> = { worker, session: undefined };
    worker.onmessage = (event: MessageEvent<FromCopyWorker<Facts>>) => member.session?.receive(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#drop(member, new TsdError("internal", `An archive Worker failed: ${event.message}`));
    };
    this.#members.add(member);
    return member;
  }

  #drop(member: Member<Facts>, error: TsdError): void {
    this.#members.delete(member);
    member.worker.terminate();
    member.session?.end(error);
  }
}

const stopping = () => new TsdError("cancelled", "The engine is stopping");
