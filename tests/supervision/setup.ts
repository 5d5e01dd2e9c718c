/** Shared by the tests of supervision: containers in one engine, and its events. */
import { strict as assert } from "node:assert";
import type { Engine, RunResult } from "../harness/mod.ts";
import type { Setup } from "../engine/setup.ts";

/** An event in the API's format. */
export interface ApiEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly time: number;
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
}

/** The current time in seconds since 1970, with a fraction. */
export const nowSeconds = (): string => (Date.now() / 1000).toFixed(3);

/** Returns the events between two times. `query` is appended to the query string. */
export async function eventsBetween(engine: Engine, since: string, until: string, query = ""): Promise<ApiEvent[]> {
  const answer = await engine.api.get(`/events?since=${since}&until=${until}${query}`);
  assert.equal(answer.status, 200, answer.text());
  return answer.jsonLines<ApiEvent>();
}

/** Returns the actions of one container's events since `since`, up to now. */
export async function actionsOf(engine: Engine, name: string, since: string): Promise<string[]> {
  // The end is in the past, so that the response ends.
  await new Promise((resolve) => setTimeout(resolve, 2));
  const events = await eventsBetween(engine, since, nowSeconds());
  return events.filter(({ Actor }) => Actor.Attributes.name === name).map(({ Action }) => Action);
}

/** Runs `run -d --network none`, by default with tsd's client, and returns the ID. */
export async function background(
  { engine, image }: Pick<Setup, "engine" | "image">,
  name: string,
  { command = ["sleep", "1000"], flags = [], client = "tsd" }: {
    command?: readonly string[];
    flags?: readonly string[];
    client?: "tsd" | "docker";
  } = {},
): Promise<string> {
  const result = await engine[client](["run", "-d", "--network", "none", "--name", name, ...flags, image, ...command]);
  return succeeded(result).trim();
}

/** Returns the output of a command, which must succeed with an empty standard error. */
export function succeeded({ code, stdout, stderr }: RunResult): string {
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Fails unless a command failed with this message. */
export function refused({ code, stderr }: RunResult, words: string | RegExp): void {
  assert.notEqual(code, 0);
  if (typeof words === "string") assert(stderr.includes(words), stderr);
  else assert.match(stderr, words);
}
