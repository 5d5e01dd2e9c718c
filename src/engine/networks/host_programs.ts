/**
 * @module
 * The programs of the host that configure its network, called with whole batches: `ip` (iproute2), `nft` (nftables),
 * `unshare` and `nsenter` (util-linux).
 */
import { TsdError } from "../../errors.ts";
import { isFile } from "../../io/if_exists.ts";
import type { HostExec } from "../../runtime/host_exec.ts";

const DIRS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
const PACKAGES = { ip: "iproute2", nft: "nftables", unshare: "util-linux", nsenter: "util-linux" } as const;
export type NetworkProgram = keyof typeof PACKAGES;

/** Runs one of them with what it reads. @throws {TsdError} runtime_missing, runtime_failed with what it said */
export type RunNetworkProgram = (attempt: string, words: readonly string[], input: string) => Promise<void>;

/** @param words the program's name, then its arguments; names of programs behind it are replaced by their paths */
export function networkPrograms(run: HostExec): RunNetworkProgram {
  const paths = new Map<string, string>();
  return async (attempt, words, input) => {
    const [path = "", ...args] = words.map((word) => isProgram(word) ? pathOf(word, attempt, paths) : word);
    const { exitCode, stderr } = await run(path, args, input);
    if (exitCode === 0) return;
    const [first = ""] = stderr.trim().split("\n");
    throw new TsdError(
      "runtime_failed",
      `Cannot ${attempt}: ${words[0]} says: ${first || `exit code ${exitCode}`}`,
    );
  };
}

const isProgram = (word: string): word is NetworkProgram => Object.hasOwn(PACKAGES, word);

function pathOf(name: NetworkProgram, attempt: string, paths: Map<string, string>): string {
  const path = paths.get(name) ?? programPath(name);
  if (path === undefined) {
    const hint = `install ${PACKAGES[name]}, or use --network host or --network none`;
    throw new TsdError("runtime_missing", `Cannot ${attempt}: there is no ${name} on this machine; ${hint}`);
  }
  paths.set(name, path);
  return path;
}

/** Where a program of the host is; undefined where it isn't. */
export const programPath = (name: string): string | undefined => DIRS.map((dir) => `${dir}/${name}`).find(isFile);
