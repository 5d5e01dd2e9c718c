import type { ImageDeleteItem, ImageHistoryItem, ImageInspect, OciPlatform } from "../api_types/mod.ts";
import { type CallOptions, Resource } from "./resource.ts";
import { type EngineTransport, escapeName } from "./transport.ts";

/** Chooses one of an image's platforms. */
export interface PlatformOptions {
  /** Default: the engine's. `image_not_found` if the image hasn't got it. */
  readonly platform?: OciPlatform;
}

/** Options of {@link Image.remove}. */
export interface RemoveImageOptions extends CallOptions {
  /** Removes the image even if stopped containers use it or it has several names. */
  readonly force?: boolean;
  /** Keeps parent images that have no name. */
  readonly keepParents?: boolean;
  /** Removes only these platforms. Default: all. */
  readonly platforms?: readonly OciPlatform[];
}

/** An image of an engine, by reference or id. Each method throws `image_not_found` if there is no such image. */
export class Image {
  /** The reference or id that the image was asked for by. */
  readonly name: string;
  readonly #resource: Resource;

  /** @throws {TsdError} not_found: the name is empty */
  constructor(transport: EngineTransport, name: string) {
    this.name = name;
    this.#resource = new Resource(transport, `/images/${escapeName(name)}`);
  }

  /** Returns the image's configuration. */
  async inspect({ signal, ...platform }: PlatformOptions & CallOptions = {}): Promise<ImageInspect> {
    return await this.#resource.json("GET", "/json", { query: platformQuery(platform), signal });
  }

  /** Lists the steps that built the image, the latest one first. */
  async history({ signal, ...platform }: PlatformOptions & CallOptions = {}): Promise<ImageHistoryItem[]> {
    return await this.#resource.json("GET", "/history", { query: platformQuery(platform), signal });
  }

  /** Gives the image one more name. @param tag default: `latest`. @throws {TsdError} invalid_reference */
  async tag(repository: string, tag?: string, options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/tag", { query: { repo: repository, tag }, ...options });
  }

  /** Removes the name, and the image with its last name. @throws {TsdError} conflict: a container uses the image */
  async remove({ force, keepParents, platforms = [], signal }: RemoveImageOptions = {}): Promise<ImageDeleteItem[]> {
    const query = { force, noprune: keepParents, platforms: platforms.map((platform) => JSON.stringify(platform)) };
    return await this.#resource.json("DELETE", "", { query, signal });
  }
}

/** Returns the query parameter of a platform. */
export const platformQuery = ({ platform }: PlatformOptions): { readonly platform?: string } =>
  platform === undefined ? {} : { platform: JSON.stringify(platform) };
