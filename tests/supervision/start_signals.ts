/** Performs steps right after container starts, and counts their outcomes. */
import type { Setup } from "../engine/setup.ts";

/** How often each outcome occurred. */
export type Outcomes = Readonly<Record<string, number>>;

/** A step performed right after a start; returns its outcome. */
export type Step = (setup: Setup, id: string) => Promise<string>;

/** After this time, a container that should exit counts as still running. */
const RUNS_ON_MS = 20_000;

/** `top` of busybox has a handler for SIGTERM, installed as it begins, and exits with 143. */
const COMMAND = ["top"];

/** Sends SIGTERM by `kill`; returns `143`, or the container's other outcome. */
export const terminate: Step = async (setup, id) => {
  const { status } = await setup.engine.api.post(`/containers/${id}/kill?signal=SIGTERM`);
  return status === 204 ? await exitOf(setup, id) : `kill answered ${status}`;
};

/** Requests `stop`, with enough time for the program to exit on the signal. */
export const stop: Step = async (setup, id) => {
  const { status } = await setup.engine.api.post(`/containers/${id}/stop?t=20`);
  return status === 204 ? await exitOf(setup, id) : `stop answered ${status}`;
};

/** Requests `pause`, checks the state, and requests `unpause` and SIGTERM. */
export const pause: Step = async (setup, id) => {
  const { api } = setup.engine;
  const paused = await api.post(`/containers/${id}/pause`);
  const { State } = (await api.get(`/containers/${id}/json`)).json<{ State: { Status: string } }>();
  const unpaused = await api.post(`/containers/${id}/unpause`);
  const steps = `${paused.status} ${State.Status} ${unpaused.status}`;
  return steps === "204 paused 204" ? await terminate(setup, id) : steps;
};

/** Requests `top`, which must list the container's program and nothing of the runtime. */
export const list: Step = async (setup, id) => {
  const answer = await setup.engine.api.get(`/containers/${id}/top?ps_args=-o%20pid,args`);
  const { Processes = [] } = answer.json<{ Processes?: string[][] }>();
  return `${answer.status} ${Processes.map(([, args]) => args).join("; ")}`;
};

/** Starts a detached `exec`, and lists the container's processes right after it. */
export const execute: Step = async (setup, id) => {
  const { api } = setup.engine;
  const { Id } = (await api.post(`/containers/${id}/exec`, { Cmd: ["sleep", "1000"] })).json<{ Id: string }>();
  const started = await api.post(`/exec/${Id}/start`, { Detach: true });
  return `${started.status} ${await list(setup, id)}`;
};

/** Starts `count` containers, `atOnce` at a time, and performs the step on each right after its start. */
export async function afterStarts(
  setup: Setup,
  step: Step,
  { count, atOnce = 1 }: { readonly count: number; readonly atOnce?: number },
): Promise<Outcomes> {
  const outcomes: Record<string, number> = {};
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const lane = async () => {
    for (const _ of numbers) {
      const outcome = await afterStart(setup, step);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

async function afterStart(setup: Setup, step: Step): Promise<string> {
  const { api } = setup.engine;
  const request = { Image: setup.image, Cmd: COMMAND, HostConfig: { NetworkMode: "none" } };
  const { Id } = (await api.post("/containers/create", request)).json<{ Id: string }>();
  try {
    const { status } = await api.post(`/containers/${Id}/start`);
    return status === 204 ? await step(setup, Id) : `start answered ${status}`;
  } finally {
    await api.delete(`/containers/${Id}?force=1`);
  }
}

async function exitOf({ engine }: Setup, id: string): Promise<string> {
  using waiting = await engine.api.stream("POST", `/containers/${id}/wait`);
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("runs on"), RUNS_ON_MS);
  const exited = (async () => {
    for await (const line of waiting.lines()) return String((JSON.parse(line) as { StatusCode: number }).StatusCode);
    return "no answer";
  })();
  try {
    return await Promise.race([exited, late.promise]);
  } finally {
    clearTimeout(timer);
    exited.catch(() => undefined);
  }
}
