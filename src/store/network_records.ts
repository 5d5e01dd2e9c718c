/**
 * @module
 * Networks, endpoints, and the network namespaces of running containers, as database rows. Network names have a UNIQUE
 * constraint, and so has an address within its network.
 */
import { TsdError } from "../errors.ts";
import { type Database, isConstraintError, type Row } from "./database.ts";

/** A stored network; `N` is plain JSON. */
export interface StoredNetwork<N> {
  readonly id: string;
  readonly name: string;
  /** Unix time in ms. */
  readonly createdMs: number;
  readonly record: N;
}

/** A running container's endpoint in a network; plain JSON. */
export interface StoredEndpoint<L> {
  readonly containerId: string;
  readonly networkId: string;
  readonly lease: L & { readonly address: string };
}

/** Table access for networks. `S` describes a running container's network namespace. */
export class NetworkRecords<N, L, S> {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds a network. @throws {TsdError} conflict, with Docker's text */
  insert({ id, name, createdMs, record }: StoredNetwork<N>): void {
    try {
      const sql = "INSERT INTO networks (id, name, created_ms, record) VALUES (?, ?, ?, ?)";
      this.#db.run(sql, id, name, createdMs, JSON.stringify(record));
    } catch (cause) {
      if (!isConstraintError(cause)) throw cause;
      throw new TsdError("conflict", `network with name ${name} already exists`, { cause });
    }
  }

  save(id: string, record: N): void {
    this.#db.run("UPDATE networks SET record = ? WHERE id = ?", JSON.stringify(record), id);
  }

  /** Removes a network that has no endpoints. */
  remove(id: string): void {
    this.#db.run("DELETE FROM networks WHERE id = ?", id);
  }

  networks(): StoredNetwork<N>[] {
    return this.#db.all("SELECT * FROM networks ORDER BY created_ms, rowid").map((row) => ({
      id: String(row.id),
      name: String(row.name),
      createdMs: Number(row.created_ms),
      record: parse<N>(row.record),
    }));
  }

  /**
   * Adds a container's endpoints and sandbox when it starts, atomically. Doesn't wait for the disk, since no container
   * runs after a power cut.
   */
  begin(endpoints: readonly StoredEndpoint<L>[], containerId: string, sandbox: S): void {
    this.#db.transactionSoon(() => {
      for (const endpoint of endpoints) this.saveEndpoint(endpoint);
      this.saveSandbox(containerId, sandbox);
    });
  }

  saveSandbox(containerId: string, sandbox: S): void {
    const sql = "INSERT OR REPLACE INTO sandboxes (container_id, record) VALUES (?, ?)";
    this.#db.runSoon(sql, containerId, JSON.stringify(sandbox));
  }

  /** Removes a container's endpoints and sandbox when it has stopped. */
  end(containerId: string): void {
    this.#db.transactionSoon(() => {
      this.#db.runSoon("DELETE FROM endpoints WHERE container_id = ?", containerId);
      this.#db.runSoon("DELETE FROM sandboxes WHERE container_id = ?", containerId);
    });
  }

  saveEndpoint({ containerId, networkId, lease }: StoredEndpoint<L>): void {
    const sql = "INSERT INTO endpoints (container_id, network_id, ipv4, lease) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT (container_id, network_id) DO UPDATE SET ipv4 = excluded.ipv4, lease = excluded.lease";
    this.#db.runSoon(sql, containerId, networkId, lease.address, JSON.stringify(lease));
  }

  removeEndpoint(containerId: string, networkId: string): void {
    this.#db.runSoon("DELETE FROM endpoints WHERE container_id = ? AND network_id = ?", containerId, networkId);
  }

  endpoints(): StoredEndpoint<L>[] {
    return this.#db.all("SELECT * FROM endpoints ORDER BY container_id, rowid").map((row) => ({
      containerId: String(row.container_id),
      networkId: String(row.network_id),
      lease: parse<L & { readonly address: string }>(row.lease),
    }));
  }

  sandboxes(): Map<string, S> {
    const rows = this.#db.all("SELECT * FROM sandboxes");
    return new Map(rows.map((row) => [String(row.container_id), parse<S>(row.record)]));
  }
}

const parse = <T>(value: Row[string] | undefined): T => JSON.parse(String(value)) as T;
