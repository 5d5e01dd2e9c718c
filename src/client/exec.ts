import type { ExecInspect, ExecStartRequest } from "../api_types/mod.ts";
import { type CallOptions, Resource } from "./resource.ts";
import type { EngineTransport, RawStream } from "./transport.ts";

/** A process in a container beside its main process, by its id. */
export class Exec {
  readonly id: string;
  readonly #resource: Resource;

  constructor(transport: EngineTransport, id: string) {
    this.id = id;
    this.#resource = new Resource(transport, `/exec/${id}`);
  }

  /** Starts the process without its standard streams. @param tty as in the request that created it */
  async startDetached(tty: boolean): Promise<void> {
    const body: ExecStartRequest = { Detach: true, Tty: tty };
    await this.#resource.send("POST", "/start", { body });
  }

  /** Starts the process with its standard streams on the returned connection, which the caller owns. */
  startAttached(tty: boolean): Promise<RawStream> {
    const body: ExecStartRequest = { Detach: false, Tty: tty };
    return this.#resource.transport.hijack({ method: "POST", path: this.#resource.path("/start"), body });
  }

  /**
   * Attaches to the streams of a running process whose engine was replaced. An extension of tsd.
   * @throws {TsdError} conflict: another client is attached; exec_not_found, page_not_found
   */
  reattach(): Promise<RawStream> {
    return this.#resource.transport.hijack({ method: "POST", path: `/tsd${this.#resource.path("/attach")}` });
  }

  /** Returns the state of the process. @throws {TsdError} exec_not_found */
  async inspect(options: CallOptions = {}): Promise<ExecInspect> {
    return await this.#resource.json("GET", "/json", options);
  }

  /** Sets the size of the process's terminal, in characters. */
  async resize(rows: number, columns: number): Promise<void> {
    await this.#resource.send("POST", "/resize", { query: { h: rows, w: columns } });
  }
}
