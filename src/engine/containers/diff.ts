/**
 * @module
 * `docker diff`: the changes that a container has made to its root filesystem, without the paths that a runtime creates
 * for its own mounts.
 */
import type { Change, Snapshotter } from "../../store/driver.ts";
import type { ContainerTable } from "../model/container_table.ts";

/** Created if an image does not have them. Docker puts them into a layer of their own below the container's. */
const PLACES: ReadonlySet<string> = new Set([
  ...["/dev", "/dev/console", "/dev/mqueue", "/dev/pts", "/dev/shm", "/proc", "/sys"],
  ...["/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"],
]);

/** Lists the changes of a container's root filesystem. */
export class ContainerDiff {
  readonly #table: Pick<ContainerTable, "find">;
  readonly #snapshots: Pick<Snapshotter, "diff">;

  constructor(table: Pick<ContainerTable, "find">, snapshots: Pick<Snapshotter, "diff">) {
    this.#table = table;
    this.#snapshots = snapshots;
  }

  /**
   * Returns changes in the order of {@link Snapshotter.diff}.
   * @throws {TsdError} container_not_found at once; storage during iteration
   */
  of(nameOrId: string): AsyncIterable<Change> {
    return this.#snapshots.diff(this.#table.find(nameOrId).id, PLACES);
  }
}
