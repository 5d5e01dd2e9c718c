import type {
  Network as NetworkInspect,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  NetworkReloadResponse,
} from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { type CallOptions, Resource } from "./resource.ts";
import { type EngineTransport, escapeName } from "./transport.ts";

/** The networks of an engine. */
export class Networks {
  readonly #resource: Resource;

  constructor(transport: EngineTransport) {
    this.#resource = new Resource(transport, "/networks");
  }

  /** Returns the network of a name, an id or the beginning of an id. Sends no request: it need not exist. */
  get(name: string): Network {
    return new Network(this.#resource.transport, name);
  }

  /** Lists networks. */
  async list({ filters = {}, signal }: CallOptions & { readonly filters?: ListFilters } = {}): Promise<
    NetworkInspect[]
  > {
    return await this.#resource.json("GET", "", { query: { filters: encodeFilters(filters) }, signal });
  }

  /** Creates a network. @returns its id, and a warning. @throws {TsdError} conflict: the name is in use; invalid_argument */
  async create(body: NetworkCreateRequest, options: CallOptions = {}): Promise<NetworkCreateResponse> {
    return await this.#resource.json("POST", "/create", { body, ...options });
  }

  /** Loads all packet filter rules again. An extension of tsd; with other engines `page_not_found`. */
  async reload(options: CallOptions = {}): Promise<NetworkReloadResponse> {
    const extension = new Resource(this.#resource.transport, "/tsd/networks");
    return await extension.json("POST", "/reload", options);
  }
}

/** A network of an engine, by name or id. Each method throws `network_not_found` if there is no such network. */
export class Network {
  /** The name or id that the network was asked for by. */
  readonly name: string;
  readonly #resource: Resource;

  /** @throws {TsdError} not_found: the name is empty */
  constructor(transport: EngineTransport, name: string) {
    this.name = name;
    this.#resource = new Resource(transport, `/networks/${escapeName(name)}`);
  }

  /** Returns the network's configuration and its running containers. */
  async inspect(options: CallOptions = {}): Promise<NetworkInspect> {
    return await this.#resource.json("GET", "", options);
  }

  /** Removes the network. @throws {TsdError} permission_denied: a running container is connected to it */
  async remove(options: CallOptions = {}): Promise<void> {
    await this.#resource.send("DELETE", "", options);
  }

  /** Connects a container to the network. @throws {TsdError} conflict: it is connected already */
  async connect(body: NetworkConnectRequest, options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/connect", { body, ...options });
  }

  /** Disconnects a container from the network. */
  async disconnect(body: NetworkDisconnectRequest, options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/disconnect", { body, ...options });
  }
}
