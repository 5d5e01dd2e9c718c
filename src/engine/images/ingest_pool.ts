/**
 * @module
 * A pool of Workers that ingest layers: unpacking and hashing never run on the engine's main thread. Workers start on
 * demand (15 to 30 ms) and are terminated when idle.
 */
import { deserialiseError, type SerialisedError, TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { throwIfCancelled } from "../../io/mod.ts";
import type { LayerInfo } from "../../store/driver.ts";
import { HashOffload, type Offloadable } from "./hash_offload.ts";
import type { FromIngestWorker, IngestJob, IngestSetup, LayerToIngest, ToIngestWorker } from "./ingest_protocol.ts";

/** Number of layers that one Worker ingests concurrently: while one waits for the network, another one is unpacked. */
const JOBS_PER_WORKER = 3;
const IDLE_MS = 10_000;

interface Running extends Offloadable {
  readonly onProgress: (downloadedBytes: number) => void;
  readonly onResumed: ((heldBytes: number) => void) | undefined;
  readonly done: PromiseWithResolvers<LayerInfo>;
}

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Running>;
  post(message: ToIngestWorker): void;
}

interface Queued {
  readonly job: IngestJob;
  readonly running: Running;
}

export interface PoolLimits {
  /** Maximum number of Workers; the default is one per core, at most four. */
  readonly maxWorkers?: number | undefined;
  /** Maximum number of layers ingested at a time; the default is the capacity of the Workers. */
  readonly maxJobs?: number | undefined;
}

/** Cancellation and progress of one ingest. */
export interface IngestOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (downloadedBytes: number) => void;
  /** Receives the number of bytes that an interrupted download left, and that are not downloaded again. */
  readonly onResumed?: (heldBytes: number) => void;
}

/** Ingests layers in Workers. Disposal cancels all jobs. */
export class IngestPool implements Disposable {
  readonly #workerUrl: URL;
  readonly #setup: IngestSetup;
  readonly #maxWorkers: number;
  readonly #maxJobs: number;
  readonly #members = new Set<Member>();
  readonly #queue: Queued[] = [];
  readonly #offload = new HashOffload();
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;

  constructor(workerUrl: URL, setup: IngestSetup, { maxWorkers, maxJobs }: PoolLimits = {}) {
    this.#workerUrl = workerUrl;
    this.#setup = setup;
    this.#maxWorkers = maxWorkers ?? Math.min(4, navigator.hardwareConcurrency);
    this.#maxJobs = maxJobs ?? Infinity;
  }

  /** Ingests one layer. @throws {TsdError} as `ingestLayer`; cancelled */
  async ingest(layer: LayerToIngest, { signal, onProgress, onResumed }: IngestOptions): Promise<LayerInfo> {
    signal.throwIfAborted();
    const job = { id: this.#nextId++, ...layer };
    const { sizeBytes } = "slice" in layer ? layer.slice : layer.descriptor;
    const done = Promise.withResolvers<LayerInfo>();
    const running: Running = { onProgress, onResumed, done, sizeBytes, downloadedBytes: 0 };
    const cancel = () => this.#cancel(job.id);
    signal.addEventListener("abort", cancel, { once: true });
    this.#queue.push({ job, running });
    this.#dispatch();
    try {
      return await running.done.promise;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#dispatch();
    }
  }

  /** Rebuilds a layer's derived data. */
  async remake(diffId: Digest): Promise<void> {
    await this.#make((id) => ({ kind: "remake", id, diffId }));
  }

  /** Combines layers. @param layers lowest first; not empty */
  async stack(layers: readonly Digest[]): Promise<void> {
    await this.#make((id) => ({ kind: "stack", id, layers }));
  }

  /** Reads a layer and verifies its diffID. @throws {TsdError} digest_mismatch, not_found, storage, cancelled */
  async verify(diffId: Digest, signal?: AbortSignal): Promise<void> {
    await this.#make((id) => ({ kind: "verify", id, diffId }), signal);
  }

  /** At once, however many layers come in: a container may wait for it. */
  async #make(order: (id: number) => ToIngestWorker, signal?: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    clearTimeout(this.#idleTimer);
    const id = this.#nextId++;
    const member = this.#idleMember() ?? this.#leastBusy()!;
    const done = Promise.withResolvers<LayerInfo>();
    const nothing = { onProgress: () => {}, onResumed: undefined, sizeBytes: 0, downloadedBytes: 0 };
    member.jobs.set(id, { ...nothing, done });
    this.#balance();
    member.post(order(id));
    const cancel = () => this.#cancel(id);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      await done.promise;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#dispatch();
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idleTimer);
    // Reject queued jobs first: freed capacity must not start another Worker for them.
    for (const { running } of this.#queue.splice(0)) running.done.reject(stopping());
    for (const member of this.#members) this.#drop(member, stopping());
  }

  #dispatch(): void {
    clearTimeout(this.#idleTimer);
    while (this.#queue.length > 0) {
      const member = this.#freeMember();
      if (member === undefined) return;
      const { job, running } = this.#queue.shift() as Queued;
      member.jobs.set(job.id, running);
      member.post({ kind: "ingest", job });
    }
    this.#balance();
    if (this.#members.size > 0 && [...this.#members].every(({ jobs }) => jobs.size === 0)) {
      this.#idleTimer = setTimeout(() => this[Symbol.dispose](), IDLE_MS);
      Deno.unrefTimer(this.#idleTimer);
    }
  }

  /** Only the WebAssembly hashers can transfer a stream, and only they are slow enough to need help. */
  #balance(): void {
    if (this.#setup.hashEngine !== "wasm") return;
    this.#offload.balance(this.#members, () => this.#members.size < this.#maxWorkers ? this.#startMember() : undefined);
  }

  /** Returns a Worker with capacity for one more job, starting one if possible; undefined if there is none. */
  #freeMember(): Member | undefined {
    const running = [...this.#members].reduce((sum, { jobs }) => sum + jobs.size, 0);
    if (running >= this.#maxJobs) return undefined;
    const member = this.#idleMember() ?? this.#leastBusy()!;
    return member.jobs.size < JOBS_PER_WORKER ? member : undefined;
  }

  /** Returns an idle Worker, starting one if possible; undefined if all are busy. */
  #idleMember(): Member | undefined {
    const least = this.#leastBusy();
    if (least?.jobs.size === 0) return least;
    return this.#members.size < this.#maxWorkers ? this.#startMember() : undefined;
  }

  #leastBusy(): Member | undefined {
    return [...this.#members].sort((a, b) => a.jobs.size - b.jobs.size)[0];
  }

  #startMember(): Member {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "tsd-ingest" });
    const member: Member = { worker, jobs: new Map(), post: (message) => worker.postMessage(message) };
    worker.onmessage = (event: MessageEvent<FromIngestWorker>) => this.#receive(member, event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#drop(member, new TsdError("internal", `An ingest Worker failed: ${event.message}`));
    };
    member.post({ kind: "setup", setup: this.#setup });
    this.#members.add(member);
    return member;
  }

  #receive(member: Member, message: FromIngestWorker): void {
    if (message.kind === "lent") return this.#offload.lent(message.id, message.rings);
    if (message.kind === "back") return this.#offload.back(message.id);
    const running = member.jobs.get(message.id);
    if (running === undefined) return;
    if (message.kind === "progress") return running.onProgress(running.downloadedBytes = message.downloadedBytes);
    if (message.kind === "resumed") return running.onResumed?.(message.heldBytes);
    member.jobs.delete(message.id);
    this.#offload.over(message.id);
    if (message.kind === "done") running.done.resolve(message.info);
    else running.done.reject(deserialiseError(message.error satisfies SerialisedError));
  }

  /** Cancels a job. A queued job is rejected at once; a running one once its Worker has removed its files. */
  #cancel(id: number): void {
    const waiting = this.#queue.findIndex(({ job }) => job.id === id);
    if (waiting >= 0) {
      const [{ running }] = this.#queue.splice(waiting, 1);
      running.done.reject(new TsdError("cancelled", "The pull was cancelled"));
      return;
    }
    for (const member of this.#members) if (member.jobs.has(id)) member.post({ kind: "cancel", id });
  }

  #drop(member: Member, error: TsdError): void {
    this.#members.delete(member);
    member.worker.terminate();
    this.#offload.lost(member);
    for (const running of member.jobs.values()) running.done.reject(error);
  }
}

const stopping = () => new TsdError("cancelled", "The engine is stopping");
