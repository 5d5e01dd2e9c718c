import type {
  PluginFile,
  PluginGrant,
  PluginInfo,
  PluginInspection,
  PluginInstallRequest,
  PluginTestResponse,
} from "../api_types/mod.ts";
import { type CallOptions, Resource } from "./resource.ts";
import { type EngineTransport, escapeName } from "./transport.ts";

/** The plugins of tsd's engine. Other engines answer all requests of this class with `page_not_found`. */
export class Plugins {
  readonly #resource: Resource;

  constructor(transport: EngineTransport) {
    this.#resource = new Resource(transport, "/tsd/plugins");
  }

  /** Returns the plugin of a name. Sends no request: it need not exist. */
  get(name: string): Plugin {
    return new Plugin(this.#resource.transport, name);
  }

  /** Lists the installed plugins. */
  async list(options: CallOptions = {}): Promise<PluginInfo[]> {
    return await this.#resource.json("GET", "", options);
  }

  /** Returns what a plugin's file declares, without installing it. @throws {TsdError} invalid_argument */
  async inspectFile(body: PluginFile, options: CallOptions = {}): Promise<PluginInspection> {
    return await this.#resource.json("POST", "/look", { body, ...options });
  }

  /** Installs a plugin. @throws {TsdError} invalid_argument, conflict: the name is in use */
  async install(body: PluginInstallRequest, options: CallOptions = {}): Promise<PluginInfo> {
    return await this.#resource.json("POST", "", { body, ...options });
  }

  /** Calls a plugin's hooks for a recorded container, without installing it. */
  async test(body: PluginInstallRequest, options: CallOptions = {}): Promise<PluginTestResponse> {
    return await this.#resource.json("POST", "/test", { body, ...options });
  }
}

/** A plugin of an engine, by name. Each method throws `not_found` if there is no such plugin. */
export class Plugin {
  readonly name: string;
  readonly #resource: Resource;

  /** @throws {TsdError} not_found: the name is empty */
  constructor(transport: EngineTransport, name: string) {
    this.name = name;
    this.#resource = new Resource(transport, `/tsd/plugins/${escapeName(name)}`);
  }

  /** Returns the plugin's declaration and state. */
  async inspect(options: CallOptions = {}): Promise<PluginInfo> {
    return await this.#resource.json("GET", "", options);
  }

  /** Enables the plugin with the permissions that are granted to it. */
  async enable(body: PluginGrant, options: CallOptions = {}): Promise<PluginInfo> {
    return await this.#resource.json("POST", "/enable", { body, ...options });
  }

  /** Disables the plugin, which stays installed. */
  async disable(options: CallOptions = {}): Promise<PluginInfo> {
    return await this.#resource.json("POST", "/disable", options);
  }

  /** Uninstalls the plugin. @throws {TsdError} conflict: it is enabled */
  async remove(options: CallOptions = {}): Promise<void> {
    await this.#resource.send("DELETE", "", options);
  }

  /** Returns the last lines of the plugin's log. @param tail a number, or `all` */
  async logs(tail: string, options: CallOptions = {}): Promise<string[]> {
    return await this.#resource.json("GET", "/logs", { query: { tail }, ...options });
  }
}
