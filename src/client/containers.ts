import type { ContainerCreateRequest, ContainerCreateResponse, ContainerSummary } from "../api_types/mod.ts";
import { Container } from "./container.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { type CallOptions, Resource } from "./resource.ts";
import type { RunOptions, RunResult } from "./run.ts";
import type { EngineTransport } from "./transport.ts";

/** Options of {@link Containers.list}. */
export interface ListContainersOptions extends CallOptions {
  /** Includes containers that aren't running. */
  readonly all?: boolean;
  /** Returns at most this number of containers, the latest ones first; includes those that aren't running. */
  readonly limit?: number;
  /** Computes the sizes, which reads every container's files. */
  readonly size?: boolean;
  readonly filters?: ListFilters;
}

/** Options of {@link Containers.create}. */
export interface CreateContainerOptions extends CallOptions {
  /** Default: a random name. */
  readonly name?: string | undefined;
  /** `os/arch[/variant]`; default: the engine's. */
  readonly platform?: string | undefined;
}

/** The containers of an engine. */
export class Containers {
  readonly #resource: Resource;

  constructor(transport: EngineTransport) {
    this.#resource = new Resource(transport, "/containers");
  }

  /** Returns the container of a name, an id or the beginning of an id. Sends no request: it need not exist. */
  get(name: string): Container {
    return new Container(this.#resource.transport, name);
  }

  /** Lists containers, running ones only unless `all` is set (Engine API, `ContainerList`). */
  async list({ all, limit, size, filters = {}, signal }: ListContainersOptions = {}): Promise<ContainerSummary[]> {
    const query = { all, limit, ...(size && { size }), filters: encodeFilters(filters) };
    return await this.#resource.json("GET", "/json", { query, signal });
  }

  /**
   * Creates a container and doesn't start it (Engine API, `ContainerCreate`). The image isn't pulled.
   * @returns the container's id, and warnings
   * @throws {TsdError} image_not_found, name_in_use, invalid_argument, not_implemented
   */
  async create(
    body: ContainerCreateRequest,
    { name, platform, signal }: CreateContainerOptions = {},
  ): Promise<ContainerCreateResponse> {
    return await this.#resource.json("POST", "/create", { query: { name, platform }, body, signal });
  }

  /**
   * Runs a command in a new container, as `docker run --rm` does, and waits for its exit. A missing image is pulled. A
   * nonzero exit code is a result, not an error.
   * @param command default: the image's
   * @throws {TsdError} image_not_found, command_not_found, command_not_executable, cancelled (the container is removed)
   */
  async run(image: string, command: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    const { runContainer } = await import("./run.ts");
    return await runContainer(this.#resource.transport, this, image, command, options);
  }
}
