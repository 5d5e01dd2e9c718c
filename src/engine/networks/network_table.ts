/**
 * @module
 * All networks of this engine, in memory, each with its row in the database. `bridge`, `host` and `none` are always there.
 */
import { TsdError } from "../../errors.ts";
import { randomId } from "../containers/names.ts";
import type { Network, NetworkRecord, StoredNetworks } from "./network.ts";

const PREDEFINED = { bridge: "bridge", host: "host", none: "null" } as const;
export type PredefinedName = keyof typeof PREDEFINED;

/** See the module's comment. */
export class NetworkTable {
  readonly #records: Pick<StoredNetworks, "insert" | "save" | "networks">;
  readonly #byId = new Map<string, Network>();

  constructor(records: Pick<StoredNetworks, "insert" | "save" | "networks">) {
    this.#records = records;
    for (const network of records.networks()) this.#byId.set(network.id, network);
    const names = new Set(this.list().map(({ name }) => name));
    for (const [name, driver] of Object.entries(PREDEFINED)) if (!names.has(name)) this.insert(name, { driver });
  }

  /** @throws {TsdError} conflict */
  insert(name: string, record: NetworkRecord): Network {
    const network = { id: randomId(), name, createdMs: Date.now(), record };
    this.#records.insert(network);
    this.#byId.set(network.id, network);
    return network;
  }

  /** At once, or not at all. */
  save({ id }: Network, record: NetworkRecord): Network {
    const network = { ...this.known(id), record };
    this.#records.save(id, record);
    this.#byId.set(id, network);
    return network;
  }

  /** Oldest first. */
  list(): Network[] {
    return [...this.#byId.values()];
  }

  /** By its full id. @throws {TsdError} network_not_found */
  known(id: string): Network {
    const network = this.#byId.get(id);
    if (network === undefined) throw new TsdError("network_not_found", `network ${id} not found`);
    return network;
  }

  predefined(name: PredefinedName): Network {
    return this.list().find((network) => network.name === name)!;
  }
}
