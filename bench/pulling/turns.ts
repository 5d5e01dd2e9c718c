/** An engine's turn with an image: a cold pull; for `six` also repeated pulls, a first run and the removal. */
import type { Peer } from "../peers/peer.ts";
import { exec } from "../measuring/exec.ts";
import { peakMb, processes } from "../measuring/processes.ts";
import type { Sample, Turn } from "../measuring/rounds.ts";
import type { PullEngine } from "./engines.ts";
import type { PullImageName } from "./images.ts";
import { dropCaches, sync } from "./page_cache.ts";

/** An image in the registry. */
export interface Served {
  readonly name: PullImageName;
  readonly reference: string;
  /** Reads all of its blobs from the registry. */
  warmUp(): Promise<void>;
}

export const pullRow = (name: PullImageName): string => `pull of ${TITLES[name]}`;

export const TITLES: Readonly<Record<PullImageName, string>> = {
  six: "six layers",
  one: "one layer",
  forty: "forty layers",
  zstd: "six layers, zstd",
};

export const ROWS = {
  peak: "peak memory of the engine meanwhile",
  again: "pull of six layers, nothing to do",
  run: "first run after it, caches cold",
  removal: "removal of six layers",
};

/** Number of pulls with nothing to do in a round. */
const AGAIN = 3;
/** Reads a few hundred files of several layers. */
const FIRST_RUN = ["python3.11", "-c", "import asyncio, decimal, http.server, sqlite3, ssl, unittest, xml.dom.minidom"];

/** Returns an engine's turn. @param canDrop whether the page cache can be dropped; if not, the first run is omitted */
export function pullTurn(engine: PullEngine, served: Served, canDrop: boolean): Turn {
  return {
    peer: engine.name,
    async take() {
      await using peer = await engine.start();
      await settle(canDrop);
      await served.warmUp();
      const elapsedMs = await exec(peer.command("pull", served.reference));
      const pulled: Sample = { row: pullRow(served.name), unit: "ms", value: elapsedMs };
      if (served.name !== "six") return [pulled];
      return [pulled, ...await peakOf(peer), ...await afterwards(peer, served.reference, canDrop)];
    },
  };
}

async function afterwards(peer: Peer, reference: string, canDrop: boolean): Promise<Sample[]> {
  const samples: Sample[] = [];
  const take = async (row: string, ...command: Parameters<Peer["command"]>) =>
    void samples.push({ row, unit: "ms", value: await exec(peer.command(...command)) });
  for (let time = 0; time < AGAIN; time++) await take(ROWS.again, "pull", reference);
  await settle(canDrop);
  if (canDrop) await take(ROWS.run, "run", "--rm", "--network", "host", reference, ...FIRST_RUN);
  await sync();
  await take(ROWS.removal, "rmi", reference);
  return samples;
}

/** Syncs, and drops what previous turns left in the page cache. */
async function settle(canDrop: boolean): Promise<void> {
  await sync();
  if (canDrop) await dropCaches();
}

/** Returns the engine's peak memory; nothing for an engine without processes. */
async function peakOf(peer: Peer): Promise<Sample[]> {
  const pids = (await processes()).filter((process) => peer.owns(process)).map(({ pid }) => pid);
  return pids.length === 0 ? [] : [{ row: ROWS.peak, unit: "MB", value: await peakMb(pids) }];
}
