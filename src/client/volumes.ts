import type { Volume as VolumeInspect, VolumeCreateRequest, VolumeListResponse } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { type CallOptions, Resource } from "./resource.ts";
import { type EngineResponse, type EngineTransport, escapeName } from "./transport.ts";

/** The volumes of an engine. */
export class Volumes {
  readonly #resource: Resource;

  constructor(transport: EngineTransport) {
    this.#resource = new Resource(transport, "/volumes");
  }

  /** Returns the volume of a name. Sends no request: it need not exist. */
  get(name: string): Volume {
    return new Volume(this.#resource.transport, name);
  }

  /** Lists volumes, and warnings of their drivers. */
  async list({ filters = {}, signal }: CallOptions & { readonly filters?: ListFilters } = {}): Promise<
    VolumeListResponse
  > {
    const query = { filters: encodeFilters(filters) };
    const response = await this.#resource.json<VolumeListResponse>("GET", "", { query, signal });
    // The API has null for an empty list.
    return { ...response, Volumes: response.Volumes ?? [] };
  }

  /** Creates a volume, or returns the existing one of that name. @throws {TsdError} conflict: another driver has the name */
  async create(body: VolumeCreateRequest = {}, options: CallOptions = {}): Promise<VolumeInspect> {
    return await this.#resource.json("POST", "/create", { body, ...options });
  }
}

/** A volume of an engine, by name. Each method throws `not_found` if there is no such volume. */
export class Volume {
  readonly name: string;
  readonly #resource: Resource;
  /** Requests that are extensions of tsd; other engines answer `page_not_found`. */
  readonly #extension: Resource;

  /** @throws {TsdError} not_found: the name is empty */
  constructor(transport: EngineTransport, name: string) {
    this.name = name;
    this.#resource = new Resource(transport, `/volumes/${escapeName(name)}`);
    this.#extension = new Resource(transport, `/tsd${this.#resource.path("")}`);
  }

  /** Returns the volume's configuration. */
  async inspect(options: CallOptions = {}): Promise<VolumeInspect> {
    return await this.#resource.json("GET", "", options);
  }

  /** Removes the volume with its files. @param options.force ignores a missing volume. @throws {TsdError} conflict: in use */
  async remove({ force, signal }: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    await this.#resource.send("DELETE", "", { query: force ? { force } : {}, signal });
  }

  /** Gives the volume another name; this object keeps the old one. An extension of tsd. @throws {TsdError} conflict: in use */
  async rename(name: string, options: CallOptions = {}): Promise<void> {
    await this.#extension.send("POST", "/rename", { query: { name }, ...options });
  }

  /** Creates a volume with a copy of the files of this one. An extension of tsd. */
  async clone(name: string, options: CallOptions = {}): Promise<VolumeInspect> {
    return await this.#extension.json("POST", "/clone", { query: { name }, ...options });
  }

  /** Returns a tar archive of the volume's files as the body. An extension of tsd. */
  export(options: CallOptions = {}): Promise<EngineResponse> {
    return this.#extension.request("GET", "/archive", options);
  }

  /** Extracts a tar archive into the volume, which is created if it is missing. An extension of tsd. */
  async import(archive: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<VolumeInspect> {
    const headers = { "Content-Type": "application/x-tar" };
    return await this.#extension.json("PUT", "/archive", { headers, upload: archive, ...options });
  }
}
