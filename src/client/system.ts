import type {
  AuthConfig,
  AuthResponse,
  DiskUsage,
  PruneItem,
  PrunePlan,
  PruneReport,
  PruneRequest,
  SystemInfo,
  Version,
} from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { type CallOptions, Resource } from "./resource.ts";
import type { EngineTransport } from "./transport.ts";

/** A kind of object that can be pruned. */
export type PruneKind = PruneItem["Kind"];

/** Chooses the unused objects to prune. */
export interface PruneOptions extends CallOptions {
  readonly kinds: readonly PruneKind[];
  /** Includes images that have a name. */
  readonly all?: boolean;
  /** Includes volumes that have a name. */
  readonly allVolumes?: boolean;
  readonly filters?: ListFilters;
}

/** An engine as a whole. */
export class System {
  readonly #root: Resource;

  constructor(transport: EngineTransport) {
    this.#root = new Resource(transport, "");
  }

  /** Returns the engine's configuration and counts. @param options.timeoutMs the longest wait for the response, in ms */
  async info(options: CallOptions & { readonly timeoutMs?: number } = {}): Promise<SystemInfo> {
    return await this.#root.json("GET", "/info", options);
  }

  /** Returns the versions of the engine and its API. @param options.timeoutMs the longest wait for the response, in ms */
  async version(options: CallOptions & { readonly timeoutMs?: number } = {}): Promise<Version> {
    return await this.#root.json("GET", "/version", options);
  }

  /** Returns what all objects occupy on the disk. Counting takes as long as containers have files. */
  async diskUsage(options: CallOptions = {}): Promise<DiskUsage> {
    return await this.#root.json("GET", "/system/df", options);
  }

  /** Returns what {@link prune} would remove, and changes nothing. An extension of tsd. */
  async prunePlan({ kinds, all = false, allVolumes = false, filters = {}, signal }: PruneOptions): Promise<PrunePlan> {
    const names = allVolumes ? { "all-volumes": true } : {};
    const query = { kind: kinds, all, ...names, filters: encodeFilters(filters) };
    return await this.#root.json("GET", "/tsd/prune", { query, signal });
  }

  /** Removes the items of a plan that are still unused, and nothing else. An extension of tsd. */
  async prune(
    { kinds, signal }: Pick<PruneOptions, "kinds" | "signal">,
    Items: PruneRequest["Items"],
  ): Promise<PruneReport> {
    const body: PruneRequest = { Items };
    return await this.#root.json("POST", "/tsd/prune", { query: { kind: kinds }, body, signal });
  }

  /** Checks credentials with a registry. @throws {TsdError} unauthorized, and what registries fail with */
  async login(auth: AuthConfig, options: CallOptions = {}): Promise<AuthResponse> {
    return await this.#root.json("POST", "/auth", { body: auth, ...options });
  }
}
