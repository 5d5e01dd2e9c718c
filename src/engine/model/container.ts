/**
 * @module
 * A container as the engine knows it: what was asked for and what has become of it. The state is one tagged
 * union, so that no combination of flags can contradict itself.
 */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { OciHooks } from "../../runtime/spec/mod.ts";
import type { RequestedMount } from "./mounts.ts";

/** What was asked for, with the image's defaults merged in; only `docker update` changes it. Plain JSON. */
export interface ContainerRecord {
  /** The image reference as the caller wrote it. */
  readonly imageName: string;
  readonly imageId: Digest;
  /** Layers of the image, lowest first. */
  readonly layers: readonly Digest[];
  /** The caller's configuration merged over the image's, as inspect shows it. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What is mounted in it, volumes by their names; records of engines without volumes have none. */
  readonly mounts?: readonly RequestedMount[];
  readonly platform: string;
  /** What was asked for in networks, by the names that were given. Only connecting and disconnecting change it. */
  readonly networks?: Readonly<Record<string, RequestedEndpoint>>;
  /** What plugins have the runtime run. */
  readonly ociHooks?: OciHooks;
}

/** What a container wants in a network. Plain JSON. */
export interface RequestedEndpoint {
  /** Version 4. */
  readonly address?: string;
  /** Version 6. */
  readonly six?: string;
  readonly mac?: string;
  /** Names by which others of the network know it. */
  readonly aliases?: readonly string[];
  /** The network of the highest is the way out. */
  readonly priority?: number;
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
  /** How often the kernel has killed in it for want of memory, as far as that was told. Older engines didn't write it down. */
  readonly oomKills?: number;
}

/** How its last run ended. */
export interface Ended extends Times {
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly error: string;
  /** The kernel killed its first process for want of memory. */
  readonly oomKilled?: boolean;
}

/** What happens to a container over time. Plain JSON. */
export type ContainerState =
  /** Never ran. A failed first start leaves its exit code (125 to 127) and its error here. */
  | { readonly status: "created"; readonly exitCode: number; readonly error: string }
  | (Live & { readonly status: "running" })
  /** Its processes are frozen. */
  | (Live & { readonly status: "paused" })
  | (Ended & { readonly status: "exited" })
  /** Its process has ended, and its restart policy will start it again. */
  | (Ended & { readonly status: "restarting" });

/** A state with a process in it. */
export type LiveState = Extract<ContainerState, Live>;

/** A state of a container that ran and has no process now. */
export type EndedState = Extract<ContainerState, Ended>;

/** What restart policies go by. Plain JSON. */
export interface RestartHistory {
  /** Restarts by its policy since somebody, or the engine's start, started it. */
  readonly count: number;
  /** The delay before the present run, or before the one that is to come, in ms; 0 when the policy had no part in it. */
  readonly delayMs: number;
  /** Somebody stopped it since it was last started. */
  readonly byHand: boolean;
}

/** Of a container that somebody has just started. */
export const NO_RESTARTS: RestartHistory = { count: 0, delayMs: 0, byHand: false };

export type ContainerStatus = ContainerState["status"];

/** What was asked for, and its present state. */
export class Container {
  readonly id: string;
  /** Unix time in ms. */
  readonly createdMs: number;
  #record: ContainerRecord;
  #name: string;
  #state: ContainerState;
  #restarts: RestartHistory;

  constructor(
    id: string,
    name: string,
    createdMs: number,
    record: ContainerRecord,
    state: ContainerState,
    restarts: RestartHistory = NO_RESTARTS,
  ) {
    this.id = id;
    this.#name = name;
    this.createdMs = createdMs;
    this.#record = record;
    this.#state = state;
    this.#restarts = restarts;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  /** Only the container table changes it, together with its row. */
  set record(record: ContainerRecord) {
    this.#record = record;
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

  get restarts(): RestartHistory {
    return this.#restarts;
  }

  /** Only the container table changes it, together with its row. */
  set restarts(restarts: RestartHistory) {
    this.#restarts = restarts;
  }

  /** Whether it has a process, frozen or not. */
  get isRunning(): boolean {
    return isLive(this.#state);
  }

  get isRestarting(): boolean {
    return this.#state.status === "restarting";
  }

  /** Whether it has a process or is about to get one again: Docker's `Running`. */
  get isActive(): boolean {
    return this.isRunning || this.isRestarting;
  }

  get isPaused(): boolean {
    return this.#state.status === "paused";
  }

  /** Its state, when it has a process. @throws {TsdError} not_running, with Docker's text */
  running(): LiveState {
    if (isLive(this.#state)) return this.#state;
    throw new TsdError("not_running", `container ${this.id} is not running`);
  }
}

/** For what needs a process. @throws {TsdError} conflict, with Docker's text */
export function refuseRestarting({ isRestarting }: Pick<Container, "isRestarting">, nameOrId: string): void {
  if (!isRestarting) return;
  throw new TsdError("conflict", `Container ${nameOrId} is restarting, wait until the container is running`);
}

/** Whether a state has a process in it. */
export const isLive = (state: ContainerState): state is LiveState =>
  state.status === "running" || state.status === "paused";
