/** The engines that pull: tsd with each storage driver and hash engine, and its peers. Each starts with empty storage. */
import { join } from "node:path";
import { HASH_ENGINES, type HashEngine } from "../../src/hash/mod.ts";
import { STORAGE_DRIVERS, type StorageDriver } from "../../src/store/drivers.ts";
import { type Peer, PeerMissing } from "../peers/peer.ts";
import { startDocker } from "../peers/dockerd.ts";
import { privateDir } from "../peers/host_traces.ts";
import { loopBtrfs } from "../peers/loop_btrfs.ts";
import { startPodman } from "../peers/podman.ts";
import { startTsd } from "../peers/tsd.ts";
import type { PullImageName } from "./images.ts";

export interface PullEngine {
  /** Column of the table. */
  readonly name: string;
  /** The images that it pulls; all by default. */
  readonly pulls?: readonly PullImageName[];
  /** @throws PeerMissing */
  start(): Promise<Peer>;
}

/** tsd's defaults. */
const DEFAULTS = { driver: "erofs", hash: "wasm" } as const;

export const PULL_ENGINES: readonly PullEngine[] = [
  ...STORAGE_DRIVERS.map((driver) => tsdWith(driver, DEFAULTS.hash)),
  ...HASH_ENGINES.filter((hash) => hash !== DEFAULTS.hash).map((hash) => ({
    ...tsdWith(DEFAULTS.driver, hash),
    pulls: ["six"] as const,
  })),
  { name: "docker", start: startDocker },
  { name: "podman", start: startPodman },
];

/** Returns "tsd", followed by the driver and hash engine that differ from the defaults. */
export function tsdName(driver: string, hash: string): string {
  const different = [driver === DEFAULTS.driver ? "" : driver, hash === DEFAULTS.hash ? "" : hash];
  return ["tsd", ...different.filter((word) => word !== "")].join(" ");
}

function tsdWith(driver: StorageDriver, hash: HashEngine): PullEngine {
  return { name: tsdName(driver, hash), start: () => startTsdWith(driver, hash) };
}

async function startTsdWith(driver: string, hash: HashEngine): Promise<Peer> {
  await using undo = new AsyncDisposableStack();
  const dir = await privateDir("tsd", undo);
  const config = join(dir, "config.json");
  await Deno.writeTextFile(config, JSON.stringify({ hash: { engine: hash } }));
  const location = driver === "btrfs" ? { dataRoot: join(await loopBtrfs(undo), "data") } : {};
  const tsd = undo.use(await startedOrMissing({ args: ["--storage-driver", driver, "--config", config], ...location }));
  const owned = undo.move();
  return {
    ...tsd,
    description: `${tsdName(driver, hash)}: ${tsd.description}, ${driver}, ${hash}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts an engine; one that doesn't support the storage driver exits with the reason. @throws PeerMissing */
async function startedOrMissing(options: Parameters<typeof startTsd>[0]) {
  try {
    return await startTsd(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new PeerMissing(error.message.trim().split("\n").at(-1), { cause: error });
  }
}
