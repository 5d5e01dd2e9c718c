import { UsageError } from "../../cli/mod.ts";
import { splitPair } from "./flag_values.ts";

const NAMES: ReadonlySet<string> = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map((name) =>
    `kernel.${name}`
  ),
);
const PREFIXES = ["net.", "fs.mqueue."];

/** Validates `name=value` of a namespaced sysctl. @throws {UsageError} with Docker's message */
export function checkSysctl(text: string): string {
  const [name] = splitPair(text);
  if (text.includes("=") && (NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)))) return text;
  throw new UsageError(`sysctl '${text}' is not allowed`);
}
