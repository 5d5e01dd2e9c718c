/** Measurements that long tests print. */
import type { Holdings } from "../engine/setup.ts";

/** Durations of a step, in ms. */
export class Times {
  readonly #all: number[] = [];

  async measure<T>(step: () => Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await step();
    } finally {
      this.#all.push(performance.now() - before);
    }
  }

  /** `500 times: median 98 ms, p99 141 ms, longest 180 ms` */
  toString(): string {
    const sorted = this.#all.toSorted((a, b) => a - b);
    const at = (share: number) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    return `${sorted.length} times: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
  }
}

/** `54 descriptors, 0 children, 71 MB` */
export function held({ host, files, fdHolders }: Holdings): string {
  const { descriptors, children, memoryBytes } = host.process!;
  const counts =
    `${host.mounts.length} mounts, ${host.cgroups.length} cgroups, ${files.length} files, ${fdHolders.length} keepers`;
  return `${descriptors.length} descriptors, ${children} children, ${counts}, ${(memoryBytes / 1e6).toFixed(0)} MB`;
}

export function print(what: string, ...info: unknown[]): void {
  console.log(`  ${what}: ${info.join("; ")}`);
}
