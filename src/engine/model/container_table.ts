/**
 * @module
 * All containers of this engine, in memory, each with its row in the database. They are found by id, name or unique
 * prefix. A change is written to the row first and to memory second; only the end of a task takes effect in memory even
 * if the row cannot be written. A change that has an event is written in one transaction with the event ({@link
 * Recording}).
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { type Log, SILENT_LOG } from "../../log.ts";
import type { ContainerRecords } from "../../store/container_records.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import {
  Container,
  type ContainerRecord,
  type ContainerState,
  isLive,
  NO_RESTARTS,
  type RestartHistory,
} from "./container.ts";
import { neededImages } from "./needed_images.ts";
import { mountedSnapshots } from "./needed_images.ts";

/** A state as stored, with the restart history if there is one, and whether a removal has begun. */
export type StoredState = ContainerState & { readonly restarts?: RestartHistory; readonly isBeingRemoved?: boolean };
export type StoredContainers = ContainerRecords<ContainerRecord, StoredState>;

const HEX = /^[0-9a-f]{1,64}$/;

/** All containers, in memory and in the database. Disposing of it writes the rows that could not be written before. */
export class ContainerTable implements Disposable {
  readonly #records: StoredContainers;
  readonly #log: Log;
  /** Containers whose state in memory is newer than their row. */
  readonly #unwritten = new Set<Container>();
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();
  /** Ids; see {@link ContainerTable.isBeingRemoved}. */
  readonly #removed = new Set<string>();

  constructor(records: StoredContainers, log: Log = SILENT_LOG) {
    this.#records = records;
    this.#log = log.scope("containers");
    for (const row of records.list()) {
      const { restarts = NO_RESTARTS, isBeingRemoved, ...state } = row.state;
      if (isBeingRemoved) this.#removed.add(row.id);
      this.#keep(new Container(row.id, row.name, row.createdMs, row.record, state, restarts));
    }
  }

  /** Adds a new container. @throws {TsdError} name_in_use */
  insert(
    id: string,
    name: string,
    record: ContainerRecord,
    recording: (container: Container) => Recording = () => UNTOLD,
  ): Container {
    const state: ContainerState = { status: "created", exitCode: 0, error: "" };
    const container = new Container(id, name, Date.now(), record, state);
    const row = { id, name, createdMs: container.createdMs, imageId: record.imageId, record, state };
    recording(container)({ write: () => this.#records.insert(row) });
    this.#keep(container);
    return container;
  }

  /** Renames a container atomically. @throws {TsdError} name_in_use */
  rename(container: Container, name: string, recording: Recording = UNTOLD): void {
    recording({ write: () => this.#records.rename(container.id, name), lasts: true });
    this.#idByName.delete(container.name);
    this.#idByName.set(name, container.id);
    container.name = name;
  }

  /**
   * Sets a container's state. A state without a task takes effect in memory even if the database cannot be written, for
   * example because the disk is full; it is stored with the next change.
   * @throws {Error} of the database, for a state with a task
   */
  setState(
    container: Container,
    state: ContainerState,
    restarts: RestartHistory = container.restarts,
    recording: Recording = UNTOLD,
  ): void {
    if (isLive(state)) recording({ write: () => this.#records.saveState(container.id, stored(state, restarts)) });
    container.state = state;
    container.restarts = restarts;
    if (isLive(state)) this.#unwritten.delete(container);
    else this.#recordEnd(container, recording);
    this.#write();
  }

  /** Sets the configuration that `docker update` changes (limits, restart policy, published ports), atomically. */
  setConfig(
    container: Container,
    changed: Pick<ContainerRecord, "config" | "hostConfig">,
    recording: Recording = UNTOLD,
  ): void {
    const record = { ...container.record, ...changed };
    recording({ write: () => this.#records.saveRecord(container.id, record), lasts: true });
    container.record = record;
  }

  /** Sets the networks of a container, atomically. */
  setNetworks(container: Container, networks: NonNullable<ContainerRecord["networks"]>): void {
    const record = { ...container.record, networks };
    this.#records.saveRecord(container.id, record);
    container.record = record;
  }

  /**
   * Notes that a user has requested the end of the task. It takes effect in memory at once, and is stored as soon as
   * possible.
   */
  stoppedManually(container: Container): void {
    container.restarts = { ...container.restarts, byHand: true };
    this.#unwritten.add(container);
    this.#write();
  }

  /**
   * Notes that a removal that includes volumes has begun. Because the volumes' rows are removed later in the database's
   * log, a power cut cannot leave a container that is not marked and whose volumes are missing.
   */
  beginRemoval(container: Container): void {
    this.#noteRemoval(container, true);
  }

  /** Undoes {@link ContainerTable.beginRemoval} after a removal failed before it had removed anything. */
  endRemoval(container: Container): void {
    this.#noteRemoval(container, false);
  }

  /** Returns whether a removal has begun, in this engine or the previous one. */
  isBeingRemoved(container: Container): boolean {
    return this.#removed.has(container.id);
  }

  remove(container: Container, recording: Recording = UNTOLD): void {
    recording({ write: () => this.#records.remove(container.id) });
    this.#unwritten.delete(container);
    this.#removed.delete(container.id);
    this.#byId.delete(container.id);
    this.#idByName.delete(container.name);
  }

  /** Resolves when everything written so far is on the disk. @throws {TsdError} storage */
  synced(): Promise<void> {
    return this.#records.synced();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Returns a container by its full id. */
  known(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  hasName(name: string): boolean {
    return this.#idByName.has(name);
  }

  /** Returns all containers, newest first. */
  list(): Container[] {
    return [...this.#byId.values()].sort((a, b) => b.createdMs - a.createdMs);
  }

  /**
   * Returns a container by full id, name (with or without a leading `/`) or unique id prefix.
   * @throws {TsdError} container_not_found, ambiguous_id
   */
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

  /** Returns the containers that were created from an image or have it mounted. */
  ofImage(imageId: Digest): Container[] {
    return this.list().filter(({ record }) => neededImages(record).some((each) => each.imageId === imageId));
  }

  /** Returns the container that uses a snapshot, as its root filesystem or as a mounted image. */
  ofSnapshot(id: string): Container | undefined {
    return this.#byId.get(id) ?? this.list().find(({ record }) => mountedSnapshots(record).includes(id));
  }

  /** Returns the layers that containers need. */
  referencedLayers(): Set<Digest> {
    return new Set(this.list().flatMap(({ record }) => neededImages(record)).flatMap(({ layers }) => layers));
  }

  [Symbol.dispose](): void {
    this.#write();
  }

  #noteRemoval(container: Container, isBeingRemoved: boolean): void {
    if (isBeingRemoved) this.#removed.add(container.id);
    else this.#removed.delete(container.id);
    // A full disk must not prevent a removal, which frees space.
    this.#unwritten.add(container);
    this.#write();
  }

  /** Records the end of a task, and its event, even if the row cannot be written. */
  #recordEnd(container: Container, recording: Recording): void {
    this.#unwritten.add(container);
    if (!this.#tryWriting(container, recording)) recording({ write() {} });
  }

  #write(): void {
    for (const container of this.#unwritten) this.#tryWriting(container);
  }

  #tryWriting(container: Container, recording: Recording = UNTOLD): boolean {
    const state = stored(container.state, container.restarts, this.isBeingRemoved(container));
    try {
      recording({ write: () => this.#records.saveState(container.id, state) });
      return this.#unwritten.delete(container);
    } catch (thrown) {
      const { message } = toTsdError(thrown);
      this.#log.error("a container's state can't be written now", { container: container.id, error: message });
      return false;
    }
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

function stored(state: ContainerState, restarts: RestartHistory, isBeingRemoved = false): StoredState {
  const { count, delayMs, byHand } = restarts;
  const isOrdinary = count === 0 && delayMs === 0 && !byHand;
  return { ...state, ...(!isOrdinary && { restarts }), ...(isBeingRemoved && { isBeingRemoved }) };
}
