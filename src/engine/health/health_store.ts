/**
 * @module
 * Where the health of containers is kept for the next engine: a small file in each container's folder. It is of use and
 * not of need: one that is missing or cut off means that the health begins anew.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { HealthState } from "./health_monitor.ts";

/** Keeps healths; nothing it does fails. */
export interface HealthStore {
  load(containerId: string): Promise<HealthState | undefined>;
  /** The last one given wins. */
  save(containerId: string, state: HealthState): void;
  /** Resolves when nothing is being written for this container, so that its folder can go. */
  settled(containerId: string): Promise<void>;
}

interface Writing {
  next: HealthState | undefined;
  readonly done: Promise<void>;
}

/** See the module's comment. */
export class FileHealthStore implements HealthStore {
  readonly #paths: EnginePaths;
  readonly #log: Log;
  readonly #writing = new Map<string, Writing>();

  constructor(paths: EnginePaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
  }

  async load(containerId: string): Promise<HealthState | undefined> {
    try {
      return parseHealth(await Deno.readTextFile(this.#file(containerId)));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) this.#warn("reading a container's health failed", thrown);
      return undefined;
    }
  }

  save(containerId: string, state: HealthState): void {
    const writing = this.#writing.get(containerId);
    if (writing !== undefined) writing.next = state;
    else this.#writing.set(containerId, { next: undefined, done: this.#write(containerId, state) });
  }

  async settled(containerId: string): Promise<void> {
    await this.#writing.get(containerId)?.done;
  }

  async #write(containerId: string, first: HealthState): Promise<void> {
    const file = this.#file(containerId);
    for (let state: HealthState | undefined = first; state !== undefined;) {
      try {
        await Deno.writeTextFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
        await Deno.rename(`${file}.new`, file);
      } catch (thrown) {
        // Its container may have been removed meanwhile.
        if (!(thrown instanceof Deno.errors.NotFound)) this.#warn("keeping a container's health failed", thrown);
      }
      const writing = this.#writing.get(containerId);
      state = writing?.next;
      if (writing !== undefined) writing.next = undefined;
    }
    this.#writing.delete(containerId);
  }

  #file(containerId: string): string {
    return `${containerPaths(this.#paths, containerId).home}/health.json`;
  }

  #warn(message: string, thrown: unknown): void {
    this.#log.warn(message, { error: toTsdError(thrown).message });
  }
}

/** The health in a file's text, or undefined when it was cut off. */
function parseHealth(text: string): HealthState | undefined {
  try {
    const state = JSON.parse(text) as HealthState | null;
    return state !== null && Array.isArray(state.log) ? state : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
