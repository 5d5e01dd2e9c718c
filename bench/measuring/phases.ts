/**
 * Breaks down the time of `tsd run --rm`, measured in four ways: executed by the engine, executed by a client process,
 * as the single API calls of the client, and as runc alone on the bundle that the engine wrote.
 */
import { join } from "node:path";
import { privateDir, removeNewCgroups } from "../peers/host_traces.ts";
import { searchPath } from "../peers/programs.ts";
import type { Tsd } from "../peers/tsd.ts";
import { capture } from "../../scripts/project.ts";
import { type EngineApi, tracesOf } from "../../tests/harness/mod.ts";
import { exec } from "./exec.ts";
import { figure } from "./report.ts";
import { summaryOf } from "./statistics.ts";

const CGROUP = "tsd-bench-runc";
/** Lets the container's process exit between runc's `start` and `delete`. */
const END_MS = 20;

/** Measures `rounds` of each way in turn; returns the medians, one line a phase. */
export async function phaseLines(tsd: Tsd, image: string, rounds: number): Promise<string[]> {
  await using undo = new AsyncDisposableStack();
  const bundle = await copiedBundle(tsd, image, undo);
  const times = new Map<string, number[]>();
  const add = (phase: string, elapsedMs: number) => void times.set(phase, [...times.get(phase) ?? [], elapsedMs]);
  for (let round = 0; round < rounds; round++) {
    const args = ["--rm", "--network", "host", image, "true"];
    add("by the engine", await exec(tsd.command("run", ...args)));
    add("whole", await exec(tsd.selfProcess("run", ...args)));
    add("client", await exec(tsd.selfProcess("version")));
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
  const accounted = ["client", ...CALLS].reduce((sum, phase) => sum + median(phase), 0);
  const line = (label: string, ms: number) => `  ${label.padEnd(34)}${figure(ms, "ms").padStart(10)}`;
  return [
    line("done by the engine", median("by the engine")),
    line("by a separate process", median("whole")),
    line("start of that process (version)", median("client")),
    ...CALLS.map((phase) => line(phase, median(phase))),
    line("rest of the client", median("whole") - accounted),
    ...RUNC_CALLS.map((call) => line(`runc ${call}, alone`, median(`runc ${call}`))),
  ];
}

/** Makes the API calls of `run --rm`, in its order. */
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
    exec({
      program: "runc",
      args: ["--root", join(bundle, "state"), ...args],
      env: { PATH: searchPath() },
    });
  add("runc create", await runc("create", "--bundle", bundle, "bench"));
  add("runc start", await runc("start", "bench"));
  await new Promise((resolve) => setTimeout(resolve, END_MS));
  add("runc delete", await runc("delete", "--force", "bench"));
}

/**
 * Copies the bundle of a container with another cgroup and command. The container keeps running until `undo` is
 * disposed of, as its root file system is mounted only then.
 */
async function copiedBundle(tsd: Tsd, image: string, undo: AsyncDisposableStack): Promise<string> {
  await removeNewCgroups(CGROUP, undo);
  const dir = await privateDir("runc", undo);
  const { program, args, env } = tsd.command("run", "--detach", "--network", "host", image, "sleep", "1000000");
  const id = (await capture(program, args, { env: { ...env } })).text.trim();
  undo.defer(async () => void await exec(tsd.command("rm", id)));
  const path = `${tracesOf(tsd.engine.dataRoot).runDir}/containers/${id}/config.json`;
  const spec = JSON.parse(await Deno.readTextFile(path));
  spec.process.args = ["true"];
  spec.linux.cgroupsPath = `/${CGROUP}/bench`;
  await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(spec));
  return dir;
}
