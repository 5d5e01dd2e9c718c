/** Shared by the tests of pulling: an engine with a registry, and what a pull left in the store. */
import { strict as assert } from "node:assert";
import { filesBelow, namesIn, until } from "../engine/setup.ts";
import { type Engine, type EngineOptions, type RunResult, startEngine } from "../harness/mod.ts";
import { busyboxImage, type ImageFiles } from "../images/mod.ts";
import { type ScriptedRegistry, type ScriptedRegistryOptions, startScriptedRegistry } from "../registry/mod.ts";

export interface PullSetup extends AsyncDisposable {
  readonly engine: Engine;
  readonly registry: ScriptedRegistry;
}

/** Starts a scripted registry and an engine. The caller disposes of it with `await using`. */
export async function startPullSetup(
  options: { readonly registry?: ScriptedRegistryOptions; readonly engine?: EngineOptions } = {},
): Promise<PullSetup> {
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(startScriptedRegistry(options.registry));
  const engine = undo.use(await startEngine(options.engine));
  const owned = undo.move();
  return { engine, registry, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Pulls busybox as `good/busybox:1`, so that all directories of a store exist. Returns its reference. */
export async function pullGoodImage({ engine, registry }: PullSetup): Promise<string> {
  const reference = registry.add("good/busybox", "1", await busyboxImage());
  await pulled(engine, [reference]);
  return reference;
}

/** Runs `tsd pull`, which must succeed, and returns its output. */
export async function pulled(engine: Engine, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.tsd(["pull", ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, `pull ${args.join(" ")}`);
  return stdout;
}

/** Checks a failed pull: exit code 1 and one line without a stack trace. Returns the line. */
export function clearFailure({ code, stderr }: RunResult, what: string): string {
  assert.equal(code, 1, `${what}: ${stderr}`);
  assert.match(stderr, /^tsd: [^\n]+\n$/, what);
  assert.doesNotMatch(stderr, /\.[tj]s:\d|\bat \w+ \(|undefined|\[object/, what);
  return stderr.slice("tsd: ".length, -1);
}

/** Returns all paths in the data root, without the database's files. */
const PASSING = ["removed", "lower", "layers.json", "merged", "upper", "work"];

/** The paths of all that is in the data root, without the database's own files. */
export async function storeListing({ dataRoot, layerRoot, api }: Engine): Promise<string[]> {
  // The files of a removed container may still be being deleted when its removal is reported.
  const containers = (await api.get("/containers/json?all=1")).json<unknown[]>().length;
  for (const place of [`${layerRoot}/snapshots`, `${dataRoot}/containers`]) {
    await until("removed containers' files to go", async () => (await namesIn(place)).length <= containers);
  }
  const ingest = `${layerRoot}/ingest`;
  const removed = async () =>
    (await Promise.all((await namesIn(ingest)).map((name) => namesIn(`${ingest}/${name}`)))).flat();
  // And an engine that has just started may still be trying how layers are mounted.
  await until("removed layers' and snapshots' files, and a trial's, to go", async () => {
    return !(await removed()).some((name) => PASSING.includes(name));
  });
  const paths = await filesBelow(dataRoot);
  return paths.map((path) => path.slice(dataRoot.length + 1)).filter((path) => !/^tsd\.db(-\w+)?$/.test(path));
}

/** Returns what was added to the data root (`+`) or removed from it (`-`). */
export async function storeChanges(engine: Engine, before: readonly string[]): Promise<string[]> {
  const [then, now] = [new Set(before), new Set(await storeListing(engine))];
  const fresh = [...now].filter((path) => !then.has(path)).map((path) => `+ ${path}`);
  return [...fresh, ...[...then].filter((path) => !now.has(path)).map((path) => `- ${path}`)];
}

/** Removes the partial blobs of interrupted pulls. */
export async function layersBytes({ api }: Engine): Promise<number> {
  return (await api.get("/system/df")).json<{ LayersSize: number }>().LayersSize;
}

/** Removes what pulls that were broken off have left. */
export async function pruneDownloads(engine: Engine): Promise<void> {
  const { code, stderr } = await engine.tsd(["image", "prune", "--force"]);
  assert.deepEqual([code, stderr], [0, ""]);
}

/** Returns the diffIDs of the layers on disk, sorted. */
export async function layersOnDisk({ layerRoot }: Engine): Promise<string[]> {
  return (await namesIn(`${layerRoot}/layers`)).map((hex) => `sha256:${hex}`).sort();
}

/** Returns the names of all listed images: tags, and IDs for those without; sorted. */
export async function listedImages({ api }: Engine): Promise<string[]> {
  const images = (await api.get("/images/json")).json<{ Id: string; RepoTags: string[] | null }[]>();
  return images.flatMap(({ Id, RepoTags }) => RepoTags?.length ? RepoTags : [Id]).sort();
}

/** Returns how often each blob of the image was requested, in the order of `image.blobs`, without duplicates. */
export function blobGets(registry: ScriptedRegistry, repo: string, image: ImageFiles): number[] {
  const digests = [...new Set(image.blobs.map(({ digest }) => digest))];
  return digests.map((digest) => registry.requestsFor(`/v2/${repo}/blobs/${digest}`, "GET").length);
}

/** Returns the number of all GETs of blobs. */
export function allBlobGets(registry: ScriptedRegistry): number {
  return registry.requestsFor("/v2/*/blobs/*", "GET").length;
}
