/**
 * @module
 * Networks, the containers' places in them, and the network namespaces of those that run, as rows. Names of networks are
 * unique by constraint, and so is an address in its network.
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

/** What a running container has in a network; plain JSON. */
export interface StoredEndpoint<L> {
  readonly containerId: string;
  readonly networkId: string;
  readonly lease: L & { readonly address: string };
}

/** Table access for networks. `S` is what is kept of a running container's namespace. */
export class NetworkRecords<N, L, S> {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws {TsdError} conflict, with Docker's text */
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

  /** With no container's place left in it. */
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

  /** What a container has while it runs: at once, or not at all. After a power cut nothing runs, so none of this waits for the disk. */
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

  /** It doesn't run any more. */
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
