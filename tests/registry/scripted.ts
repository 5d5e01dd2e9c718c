/**
 * @module
 * A registry in this process that misbehaves on request: images of tests/images, faults as data, and a log of all
 * requests. It listens on 127.0.0.1, and on 127.0.0.2 as another host for redirects; both serve the same images.
 */
import { ByteReader } from "../harness/byte_reader.ts";
import type { ImageFiles } from "../images/image_builder.ts";
import { Gate, type RegistryAuth } from "./auth.ts";
import { Catalog } from "./catalog.ts";
import { type Fault, FaultPlan, pathMatches } from "./faults.ts";
import { type HttpRequest, readRequest } from "./http_exchange.ts";
import { faultyReply } from "./reply.ts";
import { send } from "./sending.ts";

export interface ScriptedRegistryOptions {
  readonly faults?: readonly Fault[];
  readonly auth?: RegistryAuth;
  /** Serves HTTPS with this certificate and key (PEM). */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A received request. */
export interface RecordedRequest {
  readonly host: "main" | "other";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** performance.now() at its arrival. */
  readonly atMs: number;
}

type HostName = "main" | "other";
const ADDRESSES: Readonly<Record<HostName, string>> = { main: "127.0.0.1", other: "127.0.0.2" };

export class ScriptedRegistry implements AsyncDisposable {
  /** `127.0.0.1:<port>`, as used in a reference. */
  readonly host: string;
  readonly url: string;
  readonly otherHost: string;
  readonly otherUrl: string;
  /** All requests, in order. */
  readonly requests: RecordedRequest[] = [];

  readonly #plan: FaultPlan;
  readonly #catalog = new Catalog();
  readonly #gate: Gate;
  readonly #listeners: Readonly<Record<HostName, Deno.Listener>>;
  readonly #stop = new AbortController();
  readonly #connections = new Set<Deno.Conn>();
  readonly #running: Promise<void>[] = [];

  constructor(options: ScriptedRegistryOptions = {}) {
    this.#listeners = { main: listen("main", options), other: listen("other", options) };
    this.host = hostOf(this.#listeners.main);
    this.otherHost = hostOf(this.#listeners.other);
    const scheme = options.tls ? "https" : "http";
    this.url = `${scheme}://${this.host}`;
    this.otherUrl = `${scheme}://${this.otherHost}`;
    this.#plan = new FaultPlan(options.faults ?? []);
    this.#gate = new Gate(options.auth, this.url);
    this.#running.push(this.#accept("main"), this.#accept("other"));
  }

  /** Serves an image as `<host>/<repo>:<tag>`; an existing tag moves. Returns the reference. */
  add(repo: string, tag: string, image: ImageFiles): string {
    this.#catalog.add(repo, tag, image);
    return `${this.host}/${repo}:${tag}`;
  }

  /** Adds faults after the existing ones. */
  fail(...faults: Fault[]): void {
    this.#plan.faults.push(...faults);
  }

  /** Removes all faults. */
  heal(): void {
    this.#plan.faults.length = 0;
  }

  /** Returns the requests whose path matches (`*` stands for any characters). */
  requestsFor(path: string, method?: string): RecordedRequest[] {
    return this.requests.filter((request) =>
      pathMatches(path, request.path) && (method ?? request.method) === request.method
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const listener of Object.values(this.#listeners)) listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await Promise.all(this.#running);
  }

  async #accept(host: HostName): Promise<void> {
    const connections: Promise<void>[] = [];
    for await (const connection of this.#listeners[host]) {
      this.#connections.add(connection);
      connections.push(this.#serve(host, connection));
    }
    await Promise.all(connections);
  }

  async #serve(host: HostName, connection: Deno.Conn): Promise<void> {
    const reader = new ByteReader(connection);
    try {
      for (let request = await readRequest(reader); request; request = await readRequest(reader)) {
        if (await this.#exchange(host, connection, request) === "close") return;
      }
    } catch (error) {
      if (!isBrokenConnection(error)) throw error; // The client, or our disposal, closed it.
    } finally {
      if (this.#connections.delete(connection)) connection.close();
    }
  }

  async #exchange(host: HostName, connection: Deno.Conn, request: HttpRequest): Promise<"keep" | "close"> {
    const { method, path, headers } = request;
    this.requests.push({ host, method, path, query: request.query.toString(), headers, atMs: performance.now() });
    // The second host stands for a storage service behind a redirect, which needs no credentials.
    const token = host === "main" ? this.#gate.token(request) : undefined;
    const refusal = host === "main" && !token ? this.#gate.refuse(request) : undefined;
    const honest = token ?? refusal ?? this.#catalog.answer(request);
    const faults = refusal ? [] : this.#plan.for(host, method, path);
    const reply = faultyReply(honest, faults, { request, otherUrl: this.otherUrl });
    return await send(connection, reply, faults, method === "HEAD", this.#stop.signal);
  }
}

/** Starts a registry; the caller disposes of it with `await using`. */
export function startScriptedRegistry(options: ScriptedRegistryOptions = {}): ScriptedRegistry {
  return new ScriptedRegistry(options);
}

function listen(host: HostName, { tls }: ScriptedRegistryOptions): Deno.Listener {
  const address = { hostname: ADDRESSES[host], port: 0 };
  return tls ? Deno.listenTls({ ...address, ...tls }) : Deno.listen(address);
}

function hostOf(listener: Deno.Listener): string {
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return `${hostname}:${port}`;
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.InvalidData;
}
