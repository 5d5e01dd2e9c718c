/**
 * Where the time of one `tsd run --rm` goes, seen from four sides: done by the engine, by a client of its own, the API calls
 * that this makes, made here one by one, and runc alone on the very bundle that the engine wrote.
 */
import { join } from "node:path";
import { privateDir, removeNewCgroups } from "../peers/host_traces.ts";
import { searchPath } from "../peers/programs.ts";
import type { Tsd } from "../peers/tsd.ts";
import { capture } from "../../scripts/project.ts";
import { type EngineApi, tracesOf } from "../../tests/harness/mod.ts";
import { perform } from "./exec.ts";
import { figure } from "./report.ts";
import { summaryOf } from "./statistics.ts";

const CGROUP = "tsd-bench-runc";
/** For the process in the container to end between runc's start and delete. */
const END_MS = 20;

/** Takes `rounds` of each side in turns; medians, one line a phase. */
export async function phaseLines(tsd: Tsd, image: string, rounds: number): Promise<string[]> {
  await using undo = new AsyncDisposableStack();
  const bundle = await copiedBundle(tsd, image, undo);
  const times = new Map<string, number[]>();
  const add = (phase: string, elapsedMs: number) => void times.set(phase, [...times.get(phase) ?? [], elapsedMs]);
  for (let round = 0; round < rounds; round++) {
    const words = ["--rm", "--network", "host", image, "true"];
    add("by the engine", await perform(tsd.command("run", ...words)));
    add("whole", await perform(tsd.selfProcess("run", ...words)));
    add("client", await perform(tsd.selfProcess("version")));
    await timeCalls(tsd.engine.api, image, add);
    await timeRunc(bundle, add);
  }
  return [`phases of tsd run, medians of ${rounds}`, ...described(times)];
}

type Add = (phase: string, elapsedMs: number) => void;

const CALLS = ["create", "attach and wait", "start", "end of the process", "removal"];
const RUNC_CALLS = ["create", "start", "delete"];

function described(times: ReadonlyMap<string, readonly number[]>): string[] {
  const median = (phase: string) => summaryOf(times.get(phase) ?? []).median;
  const known = ["client", ...CALLS].reduce((sum, phase) => sum + median(phase), 0);
  const line = (label: string, ms: number) => `  ${label.padEnd(34)}${figure(ms, "ms").padStart(10)}`;
  return [
    line("done by the engine", median("by the engine")),
    line("by a process of its own", median("whole")),
    line("start of that (version)", median("client")),
    ...CALLS.map((phase) => line(phase, median(phase))),
    line("the client's rest", median("whole") - known),
    ...RUNC_CALLS.map((call) => line(`runc ${call}, alone`, median(`runc ${call}`))),
  ];
}

/** The calls that `run --rm` makes, in its order. */
async function timeCalls(api: EngineApi, image: string, add: Add): Promise<void> {
  const lap = stopwatch(add);
  const body = { Image: image, Cmd: ["true"], HostConfig: { NetworkMode: "host", AutoRemove: true } };
  const created = await api.post("/containers/create", body);
  if (created.status !== 201) throw new Error(`create: ${created.status} ${created.text()}`);
  const path = `/containers/${created.json<{ Id: string }>().Id}`;
  lap("create");
  using attached = await api.hijack("POST", `${path}/attach?stream=1&stdout=1&stderr=1`);
  using removal = await api.stream("POST", `${path}/wait?condition=removed`);
  lap("attach and wait");
  const exit = api.post(`${path}/wait?condition=next-exit`);
  const started = await api.post(`${path}/start`);
  if (started.status !== 204) throw new Error(`start: ${started.status} ${started.text()}`);
  lap("start");
  await Promise.all([exit, Array.fromAsync(attached.chunks())]);
  lap("end of the process");
  await Array.fromAsync(removal.chunks());
  lap("removal");
}

function stopwatch(add: Add): (phase: string) => void {
  let beforeMs = performance.now();
  return (phase) => {
    const nowMs = performance.now();
    add(phase, nowMs - beforeMs);
    beforeMs = nowMs;
  };
}

async function timeRunc(bundle: string, add: Add): Promise<void> {
  const runc = (...args: string[]) =>
    perform({
      program: "runc",
      args: ["--root", join(bundle, "state"), ...args],
      env: { PATH: searchPath() },
    });
  add("runc create", await runc("create", "--bundle", bundle, "bench"));
  add("runc start", await runc("start", "bench"));
  await new Promise((resolve) => setTimeout(resolve, END_MS));
  add("runc delete", await runc("delete", "--force", "bench"));
}

/** The bundle of a container that runs meanwhile, since its root is mounted then; cgroup and command are changed. */
async function copiedBundle(tsd: Tsd, image: string, undo: AsyncDisposableStack): Promise<string> {
  await removeNewCgroups(CGROUP, undo);
  const dir = await privateDir("runc", undo);
  const { program, args, env } = tsd.command("run", "--detach", "--network", "host", image, "sleep", "1000000");
  const id = (await capture(program, args, { env: { ...env } })).text.trim();
  undo.defer(async () => void await perform(tsd.command("rm", id)));
  const path = `${tracesOf(tsd.engine.dataRoot).runDir}/containers/${id}/config.json`;
  const spec = JSON.parse(await Deno.readTextFile(path));
  spec.process.args = ["true"];
  spec.linux.cgroupsPath = `/${CGROUP}/bench`;
  await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(spec));
  return dir;
}
