/**
 * @module
 * A container as the engine knows it: what was asked for (fixed) and what has become of it. The state is one tagged
 * union, so that no combination of flags can contradict itself, and one table says which steps are allowed from where.
 */
import type { ContainerConfig, HostConfig } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";

/** What was asked for, with the image's defaults merged in; fixed at creation. Plain JSON. */
export interface ContainerRecord {
  /** The image reference as the caller wrote it. */
  readonly imageName: string;
  readonly imageId: Digest;
  /** Layers of the image, lowest first. */
  readonly layers: readonly Digest[];
  /** The caller's configuration merged over the image's, as inspect shows it. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly platform: string;
}

interface Times {
  /** Unix time in ms. */
  readonly startedMs: number;
}

/** Its first process is there. */
interface Live extends Times {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid it names one process for ever. */
  readonly startTicks: string;
}

/** What happens to a container over time. Plain JSON. */
export type ContainerState =
  /** Never ran. A failed first start leaves its exit code (125 to 127) and its error here. */
  | { readonly status: "created"; readonly exitCode: number; readonly error: string }
  | (Live & { readonly status: "running" })
  /** Its processes are frozen. */
  | (Live & { readonly status: "paused" })
  | (Times & {
    readonly status: "exited";
    readonly finishedMs: number;
    readonly exitCode: number;
    readonly error: string;
    /** The kernel killed its first process for want of memory. */
    readonly oomKilled?: boolean;
  });

/** A state with a process in it. */
export type LiveState = Extract<ContainerState, Live>;

export type ContainerStatus = ContainerState["status"];

/** What may be done in which state. */
const ALLOWED = {
  start: ["created", "exited"],
  kill: ["running", "paused"],
  exec: ["running"],
  pause: ["running"],
  unpause: ["paused"],
  remove: ["created", "exited"],
} as const satisfies Record<string, readonly ContainerStatus[]>;

export type Step = keyof typeof ALLOWED;

/** The fixed part of a container and its present state. */
export class Container {
  readonly id: string;
  /** Unix time in ms. */
  readonly createdMs: number;
  readonly record: ContainerRecord;
  #name: string;
  #state: ContainerState;

  constructor(id: string, name: string, createdMs: number, record: ContainerRecord, state: ContainerState) {
    this.id = id;
    this.#name = name;
    this.createdMs = createdMs;
    this.record = record;
    this.#state = state;
  }

  get name(): string {
    return this.#name;
  }

  /** Only the container table renames, together with its row. */
  set name(name: string) {
    this.#name = name;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** Only the container table moves a container on, together with its row. */
  set state(state: ContainerState) {
    this.#state = state;
  }

  /** Whether it has a process, frozen or not: Docker's `Running`. */
  get isRunning(): boolean {
    return isLive(this.#state);
  }

  get isPaused(): boolean {
    return this.#state.status === "paused";
  }

  allows(step: Step): boolean {
    return (ALLOWED[step] as readonly ContainerStatus[]).includes(this.#state.status);
  }

  /** Its state, when it has a process. @throws {TsdError} not_running, with Docker's text */
  running(verb: string): LiveState {
    if (isLive(this.#state)) return this.#state;
    throw new TsdError("not_running", `${verb}: container ${this.id} is not running`);
  }
}

/** Whether a state has a process in it. */
export const isLive = (state: ContainerState): state is LiveState =>
  state.status === "running" || state.status === "paused";
