/**
 * Power cuts while containers and images are created and removed: an engine is started on each of the disk's copies.
 */
import { type Engine, tracesOf } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { ContainerLives, type Promised } from "./container_lifecycle.ts";
import { ImageLives, isOfImageLives } from "./image_lifecycle.ts";
import { type FileSystem, PowerDisk } from "./power_disk.ts";
import { namesIn, startSetup, untilNone } from "./setup.ts";

export interface ContainerCutsOptions {
  readonly fileSystem: FileSystem;
  readonly cuts: number;
  readonly everyMs: number;
  readonly lanes: number;
  /** The number of lanes that create and remove images; 0 by default. */
  readonly imageLanes?: number;
  /** Additional arguments for the engine. */
  readonly args?: readonly string[];
}

/** The results of all copies. */
export interface ContainerCutsFigures {
  /** Requests that were answered during the copying. */
  answered: number;
  /** Containers that had to exist. */
  promised: number;
  /** Containers that did. */
  listed: number;
  /** Images that had to exist. */
  images: number;
  /** Problems of all copies, one line each. */
  problems: string[];
}

/** A copy, and the state that its engine must have. */
interface Cut {
  readonly copy: number;
  readonly containers: ReadonlyMap<string, Promised>;
  readonly volumes: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
}

/** The objects that are created and removed meanwhile. */
interface AllLives {
  readonly containers: ContainerLives;
  readonly images: ImageLives;
}

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
}

export async function containerCuts(options: ContainerCutsOptions): Promise<ContainerCutsFigures> {
  const { fileSystem, cuts, everyMs, lanes, imageLanes = 0, args = [] } = options;
  await using disk = await PowerDisk.make(fileSystem);
  const dataRoot = `${disk.path}/data`;
  await using setup = await startSetup({ dataRoot, args });
  const { engine } = setup;
  const lives: AllLives = { containers: new ContainerLives(setup), images: new ImageLives(setup) };
  const running = Promise.all([lives.containers.run(lanes), lives.images.run(imageLanes)]);
  // A failure is reported at its end.
  running.catch(() => undefined);
  const taken: Cut[] = [];
  while (taken.length < cuts) {
    // Copies at fixed times are the point of this test.
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, everyMs))]);
    taken.push(await cut(disk, lives));
  }
  lives.containers.end();
  lives.images.end();
  await running;
  await engine.removeContainers();
  const figures: ContainerCutsFigures = { answered: 0, promised: 0, listed: 0, images: 0, problems: [] };
  figures.answered = lives.containers.answered + lives.images.answered;
  for (const each of taken) {
    await engine.stop();
    await disk.eject();
    await disk.insert(each.copy);
    // A reboot clears the run directory.
    await removeTree(tracesOf(dataRoot).runDir);
    const logged = (await engine.log()).length;
    await engine.start();
    const { listed, problems } = await problemsOf(engine, each);
    const errors = (await engine.log()).slice(logged).split("\n").filter((line) => / (error|warn) /i.test(line));
    figures.problems.push(...[...problems, ...errors].map((problem) => `copy ${each.copy}: ${problem}`));
    figures.listed += listed;
    figures.promised += each.containers.size;
    figures.images += each.images.size;
  }
  return figures;
}

/** Copies the disk. Objects that are removed meanwhile may exist in it or not. */
async function cut(disk: PowerDisk, lives: AllLives): Promise<Cut> {
  const { containers, volumes } = lives.containers;
  const { images } = lives.images;
  const before = { containers: new Map(containers), volumes: new Set(volumes), images: new Set(images) };
  const copy = await disk.copy();
  return {
    copy,
    containers: new Map([...before.containers].filter(([name, it]) => containers.get(name) === it)),
    volumes: before.volumes.intersection(volumes),
    images: before.images.intersection(images),
  };
}

/** Uses and removes all objects; leaves an engine without containers. */
async function problemsOf(engine: Engine, cut: Cut): Promise<{ listed: number; problems: string[] }> {
  const problems: string[] = [];
  const { api } = engine;
  for (const image of cut.images) {
    const answer = await api.post("/containers/create", { Image: image, HostConfig: { NetworkMode: "none" } });
    if (answer.status === 201) await api.delete(`/containers/${answer.json<{ Id: string }>().Id}`);
    else problems.push(`${image}: ${answer.status} ${answer.text().trim()}`);
  }
  const listed = (await api.get("/containers/json?all=1")).json<Listed[]>();
  const names = listed.flatMap(({ Names }) => Names);
  if (new Set(names).size < names.length) problems.push(`a name comes twice: ${names.join(" ")}`);
  const { Volumes } = (await api.get("/volumes")).json<{ Volumes: { Name: string }[] }>();
  const volumes = Volumes.map(({ Name }) => Name);
  for (const volume of cut.volumes) if (!volumes.includes(volume)) problems.push(`volume ${volume} was lost`);
  for (const [name, { restart, volume }] of cut.containers) {
    const answer = await api.get(`/containers/${name}/json`);
    if (answer.status !== 200) {
      problems.push(`container ${name} was lost: ${answer.text().trim()}`);
      continue;
    }
    const { HostConfig, Mounts } = answer.json<Inspected>();
    if (restart !== undefined && HostConfig.RestartPolicy.Name !== restart) {
      problems.push(`${name}: ${HostConfig.RestartPolicy.Name}, not ${restart}`);
    }
    if (!Mounts.some(({ Name }) => Name === volume)) problems.push(`${name}: no ${volume}`);
  }
  const ids = listed.map(({ Id }) => Id).sort();
  for (const dir of [`${engine.layerRoot}/snapshots`, `${engine.dataRoot}/containers`]) {
    const orphans = (await namesIn(dir)).filter((name) => !ids.includes(name));
    if (orphans.length > 0) problems.push(`${dir} holds ${orphans.join(" ")}`);
  }
  const dirs = (await namesIn(`${engine.dataRoot}/volumes`)).filter((name) => !volumes.includes(name));
  if (dirs.length > 0) problems.push(`folders of volumes that there are not: ${dirs.join(" ")}`);
  await Promise.all(listed.map(async ({ Id, Names }) => {
    const steps = isOfImageLives(Names) ? [REMOVAL] : [...USE, REMOVAL];
    for (const problem of await problemsOfSteps(engine, Id, steps)) problems.push(`${Names.join()}: ${problem}`);
  }));
  for (const volume of volumes) {
    // Anonymous volumes may have been removed with their container.
    const { status } = await api.delete(`/volumes/${volume}`);
    if (status !== 204 && status !== 404) problems.push(`removing volume ${volume}: ${status}`);
  }
  const left = async () => {
    const dirs = [`${engine.layerRoot}/snapshots`, `${engine.layerRoot}/ingest`, `${engine.dataRoot}/volumes`];
    const held = await Promise.all(dirs.map(async (dir) => [dir, await namesIn(dir)] as const));
    return held.filter(([, names]) => names.length > 0).map(([dir, names]) => `${dir} holds ${names.join(" ")}`);
  };
  // Containers with --rm are removed asynchronously.
  await untilNone(left).catch((thrown: Error) => problems.push(`when all has gone: ${thrown.message}`));
  return { listed: listed.length, problems };
}

interface Inspected {
  readonly HostConfig: { readonly RestartPolicy: { readonly Name: string } };
  readonly Mounts: readonly { readonly Name: string }[];
}

/** Method, path and the accepted statuses. */
type Request = readonly [string, string, ...number[]];

const REMOVAL: Request = ["DELETE", "/containers/ID?force=1&v=1", 204, 404, 409];
/** Starts, kills and waits for a container. */
const USE: readonly Request[] = [
  ["GET", "/containers/ID/json", 200],
  // Some run already because of their restart policy.
  ["POST", "/containers/ID/start", 204, 304],
  // And some have exited.
  ["POST", "/containers/ID/kill", 204, 404, 409],
  ["POST", "/containers/ID/wait", 200, 404],
];

async function problemsOfSteps({ api }: Engine, id: string, steps: readonly Request[]): Promise<string[]> {
  const problems: string[] = [];
  for (const [method, path, ...expected] of steps) {
    const answer = await api.request(method, path.replace("ID", id));
    if (!expected.includes(answer.status)) {
      problems.push(`${method} ${path}: ${answer.status} ${answer.text().trim()}`);
    }
  }
  return problems;
}
