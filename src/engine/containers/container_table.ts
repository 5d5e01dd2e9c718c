/**
 * @module
 * All containers of this engine, in memory, each with its row in the database: look-up by id, name or unique prefix,
 * and the one way to change a state (row first, memory second).
 */
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { ContainerRecords } from "../../store/container_records.ts";
import { Container, type ContainerRecord, type ContainerState } from "./container.ts";

export type StoredContainers = ContainerRecords<ContainerRecord, ContainerState>;

const HEX = /^[0-9a-f]{1,64}$/;

/** See the module's comment. */
export class ContainerTable {
  readonly #records: StoredContainers;
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();

  constructor(records: StoredContainers) {
    this.#records = records;
    for (const row of records.list()) {
      this.#keep(new Container(row.id, row.name, row.createdMs, row.record, row.state));
    }
  }

  /** Adds a new container. @throws {TsdError} name_in_use */
  insert(id: string, name: string, record: ContainerRecord): Container {
    const state: ContainerState = { status: "created", exitCode: 0, error: "" };
    const container = new Container(id, name, Date.now(), record, state);
    this.#records.insert({ id, name, createdMs: container.createdMs, imageId: record.imageId, record, state });
    this.#keep(container);
    return container;
  }

  /** At once, or not at all. @throws {TsdError} name_in_use */
  rename(container: Container, name: string): void {
    this.#records.rename(container.id, name);
    this.#idByName.delete(container.name);
    this.#idByName.set(name, container.id);
    container.name = name;
  }

  setState(container: Container, state: ContainerState): void {
    this.#records.saveState(container.id, state);
    container.state = state;
  }

  remove(container: Container): void {
    this.#records.remove(container.id);
    this.#byId.delete(container.id);
    this.#idByName.delete(container.name);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  hasName(name: string): boolean {
    return this.#idByName.has(name);
  }

  /** Newest first. */
  list(): Container[] {
    return [...this.#byId.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  /** By full id, name (with or without `/`), or unique prefix. @throws {TsdError} container_not_found, ambiguous_id */
  find(nameOrId: string): Container {
    const exact = this.#byId.get(nameOrId) ?? this.#byName(nameOrId);
    if (exact !== undefined) return exact;
    const matches = HEX.test(nameOrId) ? [...this.#byId.keys()].filter((id) => id.startsWith(nameOrId)) : [];
    if (matches.length > 1) {
      throw new TsdError("ambiguous_id", `Multiple IDs found with provided prefix: ${nameOrId}`);
    }
    const only = matches.length === 1 ? this.#byId.get(matches[0]) : undefined;
    if (only === undefined) throw new TsdError("container_not_found", `No such container: ${nameOrId}`);
    return only;
  }

  /** Containers made from an image. */
  ofImage(imageId: Digest): Container[] {
    return this.list().filter((container) => container.record.imageId === imageId);
  }

  /** Layers that some container stands on. */
  referencedLayers(): Set<Digest> {
    return new Set([...this.#byId.values()].flatMap((container) => container.record.layers));
  }

  #byName(name: string): Container | undefined {
    const id = this.#idByName.get(name.replace(/^\//, ""));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  #keep(container: Container): void {
    this.#byId.set(container.id, container);
    this.#idByName.set(container.name, container.id);
  }
}
