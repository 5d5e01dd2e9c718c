/**
 * @module
 * `docker diff`: what a container changed in its root, without the places that a runtime needs for its own mounts.
 */
import type { Change, Snapshotter } from "../../store/driver.ts";
import type { ContainerTable } from "../model/container_table.ts";

/** Made where an image doesn't have them. Docker puts them into a layer of its own below the container's. */
const PLACES: ReadonlySet<string> = new Set([
  ...["/dev", "/dev/console", "/dev/mqueue", "/dev/pts", "/dev/shm", "/proc", "/sys"],
  ...["/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"],
]);

/** See the module's comment. */
export class ContainerDiff {
  readonly #table: Pick<ContainerTable, "find">;
  readonly #snapshots: Pick<Snapshotter, "diff">;

  constructor(table: Pick<ContainerTable, "find">, snapshots: Pick<Snapshotter, "diff">) {
    this.#table = table;
    this.#snapshots = snapshots;
  }

  /** In the order of {@link Snapshotter.diff}. @throws {TsdError} container_not_found at once; storage while it is read */
  of(nameOrId: string): AsyncIterable<Change> {
    return this.#snapshots.diff(this.#table.find(nameOrId).id, PLACES);
  }
}
