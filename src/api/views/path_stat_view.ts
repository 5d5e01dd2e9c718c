import type { PathStat } from "../../engine/copy/protocol.ts";
import { S } from "../../sys/mod.ts";
import type { ContainerPathStat } from "../../api_types/mod.ts";

/** Go's `os.FileMode`: types and special bits have other positions than in `st_mode`. */
const GO_TYPES: Readonly<Record<number, number>> = {
  [S.IFDIR]: 1 << 31,
  [S.IFLNK]: 1 << 27,
  [S.IFBLK]: 1 << 26,
  [S.IFCHR]: 1 << 26 | 1 << 21,
  [S.IFIFO]: 1 << 25,
  [S.IFSOCK]: 1 << 24,
};
const GO_BITS: readonly (readonly [bit: number, inGo: number])[] = [
  [S.ISUID, 1 << 23],
  [S.ISGID, 1 << 22],
  [S.ISVTX, 1 << 20],
];

/** Converts `st_mode` to Go's `os.FileMode`. */
export function goFileMode(mode: number): number {
  const bits = GO_BITS.reduce((sum, [bit, inGo]) => mode & bit ? sum | inGo : sum, mode & 0o777);
  return (bits | (GO_TYPES[mode & S.IFMT] ?? 0)) >>> 0;
}

/** Seconds of the years 1 and 9999, which limit RFC 3339. File times may be anything. */
const EARLIEST_S = -62_135_596_800;
const LATEST_S = 253_402_300_799;

function timestampOf({ seconds, nanoseconds }: PathStat["modified"]): string {
  const inRange = Math.min(Math.max(Number(seconds), EARLIEST_S), LATEST_S);
  const fraction = nanoseconds === 0 ? "" : `.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`;
  return `${new Date(inRange * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}

/** Returns the value of `X-Docker-Container-Path-Stat`. */
export function pathStatHeader({ name, sizeBytes, mode, modified, linkTarget }: PathStat): string {
  const stat: ContainerPathStat = {
    name,
    size: sizeBytes,
    mode: goFileMode(mode),
    mtime: timestampOf(modified),
    linkTarget,
  };
  return new TextEncoder().encode(JSON.stringify(stat)).toBase64();
}
