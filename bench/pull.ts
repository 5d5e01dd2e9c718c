/**
 * Measures cold pulls of real files by tsd with each storage driver and hash engine, by dockerd and by podman:
 *
 *     ./dev bench pull [six|one|forty|zstd ...] [--rounds N] [--without NAME] [--results] [--json FILE]
 *
 * Also measures the machine's limits: inflating the same layers, and writing as many bytes. See README.md.
 */
import { parseArgs } from "node:util";
import { pushImage } from "../tests/images/mod.ts";
import { type RealRegistry, startRealRegistry } from "../tests/registry/real.ts";
import { PeerMissing } from "./peers/peer.ts";
import { checkNames, positiveInteger, runBenchmark, showResults, UsageError } from "./measuring/harness.ts";
import { load, machineInfo } from "./measuring/machine.ts";
import { machineLines } from "./measuring/report.ts";
import { writeResults } from "./measuring/results_dir.ts";
import { measure, type Series, type Turn } from "./measuring/rounds.ts";
import { pullAims } from "./pulling/aims.ts";
import { PULL_ENGINES, type PullEngine } from "./pulling/engines.ts";
import { type PullImage, pullImage, type PullImageName } from "./pulling/images.ts";
import { INFLATE, inflateTurn, WRITE, writeTurn } from "./pulling/limits.ts";
import { dropCachesError } from "./pulling/page_cache.ts";
import { pullMarkdown, pullPicture } from "./pulling/results.ts";
import { pullTurn, type Served, TITLES } from "./pulling/turns.ts";

const NAMES = Object.keys(TITLES) as PullImageName[];
const LIMITS = [INFLATE, WRITE];
/** Lets the kernel finish what the previous engine left to it. */
const PAUSE_MS = 500;

interface Options {
  readonly names: readonly PullImageName[];
  readonly rounds: number;
  readonly without: readonly string[];
  readonly results: boolean;
  readonly json?: string;
}

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  if (Deno.uid() !== 0) throw new UsageError("engines that unpack layers need root: run this as root");
  const images = new Map<PullImageName, PullImage>();
  for (const name of options.names) images.set(name, await pullImage(name));
  const startedMs = performance.now();
  const { engines, before } = await findEngines(options.without);
  const canDrop = (await dropCachesError()) === undefined;
  const series: Series[] = [];
  await using registry = await startRealRegistry();
  for (const [name, image] of images) {
    console.error(`bench: ${TITLES[name]} …`);
    const served = await serve(name, image, registry);
    const pulling = engines.filter(({ pulls = NAMES }) => pulls.includes(name));
    const turns: Turn[] = pulling.map((engine) => pullTurn(engine, served, canDrop));
    if (!options.without.includes(INFLATE)) turns.push(inflateTurn(name, image));
    if (!options.without.includes(WRITE)) turns.push(writeTurn(name, image));
    series.push(...await measure(turns, { rounds: options.rounds, warmUps: 0, pauseMs: PAUSE_MS, signal }));
  }
  const results = await showResults({ before }, series, pullAims(options.names), options.json);
  const elapsedMs = performance.now() - startedMs;
  console.log(`\nafter ${Math.round(elapsedMs / 1000)} s`);
  const info = new Map([...images].map(([name, image]) => [TITLES[name], image.info]));
  if (options.results) {
    const text = pullMarkdown({ ...results, images: info, elapsedMs }, "pull.svg");
    await writeResults({ "pull.md": text, "pull.svg": pullPicture(results.series) });
  }
}

function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      without: { type: "string", multiple: true, default: [] },
      results: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  checkNames("image", positionals, NAMES);
  checkNames("peer", values.without, [...PULL_ENGINES.map(({ name }) => name), ...LIMITS]);
  return {
    ...values,
    names: NAMES.filter((name) => positionals.length === 0 || positionals.includes(name)),
    rounds: positiveInteger("--rounds", values.rounds),
  };
}

/** Starts and stops each engine once, to find those that are available and their versions. */
async function findEngines(without: readonly string[]) {
  const [described, missing]: [string[], string[]] = [[], []];
  const engines: PullEngine[] = [];
  for (const engine of PULL_ENGINES) {
    try {
      if (without.includes(engine.name)) throw new PeerMissing("--without");
      await using peer = await engine.start();
      const can = withoutZstd(engine, peer.description);
      if (can !== engine) missing.push(`${engine.name} does not pull zstd layers: ${peer.description}`);
      engines.push(can);
      described.push(peer.description);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      missing.push(`${engine.name} is left out: ${error.message}`);
    }
  }
  const why = await dropCachesError();
  if (why !== undefined) missing.push(`the page cache can't be dropped, pulls are not cold: ${why}`);
  const machine = await machineInfo();
  for (const line of [...machineLines(machine), ...described, ...missing]) console.log(line);
  return {
    engines,
    before: { date: new Date().toISOString(), machine, load: [load()], peers: described, missing },
  };
}

/** Removes the zstd image from the engine's list if it is a dockerd before 23, the first version that reads zstd layers. */
function withoutZstd(engine: PullEngine, description: string): PullEngine {
  const version = /dockerd (\d+)/.exec(description)?.[1];
  if (version === undefined || Number(version) >= 23) return engine;
  return { ...engine, pulls: NAMES.filter((name) => name !== "zstd") };
}

async function serve(name: PullImageName, { image }: PullImage, { url, host }: RealRegistry): Promise<Served> {
  const repo = `bench/${name}`;
  await pushImage(url, repo, "latest", image);
  return {
    name,
    reference: `${host}/${repo}:latest`,
    async warmUp() {
      for (const { digest } of image.blobs) {
        const { body } = await fetch(`${url}/v2/${repo}/blobs/${digest}`);
        await body?.pipeTo(new WritableStream());
      }
    },
  };
}

if (import.meta.main) await runBenchmark(main);
