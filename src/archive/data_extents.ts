import type { DurabilityCalls } from "../sys/mod.ts";
import type { SparseExtent } from "../tar/mod.ts";

/**
 * Yields the extents of a file that hold data; everything between is holes. Concurrent changes are reflected as found.
 * @throws {SysError}
 */
export function* dataExtents(
  fd: number,
  sizeBytes: number,
  calls: Pick<DurabilityCalls, "nextData">,
): Generator<SparseExtent> {
  for (let offset = 0; offset < sizeBytes;) {
    const found = calls.nextData(fd, offset);
    if (found === undefined || found.start >= sizeBytes) return;
    const end = Math.min(found.end, sizeBytes);
    yield { offset: found.start, length: end - found.start };
    offset = end;
  }
}
