/**
 * @module
 * All networks of this engine, in memory, each with its row in the database. `bridge`, `host` and `none` are always there.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import { randomId } from "../model/names.ts";
import type { PredefinedName } from "../model/network_mode.ts";
import type { Network, NetworkRecord, StoredNetworks } from "../model/network.ts";

/** The driver of each predefined network. */
const PREDEFINED = { bridge: "bridge", host: "host", none: "null" } as const satisfies Record<PredefinedName, string>;

/** Whether it is one of those that are always there. */
export const isPredefined = ({ name }: Pick<Network, "name">): boolean => Object.hasOwn(PREDEFINED, name);

/** See the module's comment. */
export class NetworkTable {
  readonly #records: Pick<StoredNetworks, "insert" | "save" | "remove" | "networks">;
  readonly #byId = new Map<string, Network>();

  constructor(records: Pick<StoredNetworks, "insert" | "save" | "remove" | "networks">) {
    this.#records = records;
    for (const network of records.networks()) this.#byId.set(network.id, network);
    const names = new Set(this.list().map(({ name }) => name));
    for (const [name, driver] of Object.entries(PREDEFINED)) if (!names.has(name)) this.insert(name, { driver });
  }

  /** @throws {TsdError} conflict */
  insert(name: string, record: NetworkRecord, recording: (network: Network) => Recording = () => UNTOLD): Network {
    const network = { id: randomId(), name, createdMs: Date.now(), record };
    recording(network)({ write: () => this.#records.insert(network), lasts: true });
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

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** By its full id. @throws {TsdError} network_not_found */
  known(id: string): Network {
    const network = this.#byId.get(id);
    if (network === undefined) throw new TsdError("network_not_found", `network ${id} not found`);
    return network;
  }

  /** By full id, name, or unique prefix of the id. @throws {TsdError} network_not_found, ambiguous_id */
  find(nameOrId: string): Network {
    const exact = this.#byId.get(nameOrId) ?? this.list().find(({ name }) => name === nameOrId);
    if (exact !== undefined) return exact;
    const matches = /^[0-9a-f]{1,64}$/.test(nameOrId) ? this.list().filter(({ id }) => id.startsWith(nameOrId)) : [];
    if (matches.length === 1) return matches[0]!;
    if (matches.length === 0) throw new TsdError("network_not_found", `network ${nameOrId} not found`);
    const found = `${matches.length} matches found based on ID prefix`;
    throw new TsdError("ambiguous_id", `network ${nameOrId} is ambiguous (${found})`);
  }

  /** One that may have gone meanwhile is known by its name only. */
  named(name: string): Network {
    try {
      return this.find(name);
    } catch (thrown) {
      if (!isTsdError(thrown, "network_not_found", "ambiguous_id")) throw thrown;
      return { id: "", name, createdMs: 0, record: { driver: "bridge" } };
    }
  }

  remove({ id }: Network, recording: Recording = UNTOLD): void {
    recording({ write: () => this.#records.remove(id), lasts: true });
    this.#byId.delete(id);
  }

  predefined(name: PredefinedName): Network {
    return this.list().find((network) => network.name === name)!;
  }
}
