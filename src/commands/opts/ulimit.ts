import type { Ulimit } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { readInt } from "./flag_values.ts";

const TYPES: ReadonlySet<string> = new Set([
  ...["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"],
  ...["rttime", "sigpending", "stack"],
]);

/**
 * Parses `nofile=1024[:2048]`. The hard limit defaults to the soft limit; -1 is unlimited.
 * @throws {UsageError} with Docker's messages
 */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf("=");
  if (equals < 0) throw new UsageError(`invalid ulimit argument: ${text}`);
  const [name, limits] = [text.slice(0, equals), text.slice(equals + 1)];
  if (!TYPES.has(name)) throw new UsageError(`invalid ulimit type: ${name}`);
  const values = limits.split(":");
  if (values.length > 2) {
    throw new UsageError(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  // As in Docker the hard limit is parsed first, so its error is the one reported.
  const given = values[1] === undefined ? undefined : readInt(values[1]);
  const soft = readInt(values[0]);
  const hard = given ?? soft;
  const order = "ulimit soft limit must be less than or equal to hard limit";
  if (hard !== -1 && soft === -1) throw new UsageError(`${order}: soft: -1 (unlimited), hard: ${hard}`);
  if (hard !== -1 && soft > hard) throw new UsageError(`${order}: ${soft} > ${hard}`);
  return { Name: name, Soft: soft, Hard: hard };
}

/** Parses all limits. The last one of each type wins; they are sorted by name, as Docker sends them. */
export function ulimits(texts: readonly string[]): Ulimit[] {
  const byName = new Map(texts.map(parseUlimit).map((limit) => [limit.Name, limit]));
  return [...byName.values()].sort((a, b) => a.Name < b.Name ? -1 : 1);
}
