/**
 * @module
 * A container: what was requested, and its present state. The state is one tagged union, so that no combination of
 * flags can contradict itself.
 */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { OciHooks } from "../../runtime/spec/mod.ts";
import type { RequestedMount } from "./mounts.ts";

/** The request, with the image's defaults merged in. Only `docker update` changes it. Plain JSON. */
export interface ContainerRecord {
  /** The image reference as the caller wrote it. */
  readonly imageName: string;
  readonly imageId: Digest;
  /** Layers of the image, lowest first. */
  readonly layers: readonly Digest[];
  /** The caller's configuration merged over the image's, as inspect shows it. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Its mounts; volumes by name. Absent in records of engines that had no volumes. */
  readonly mounts?: readonly RequestedMount[];
  readonly platform: string;
  /** What was requested of networks, by the names that were given. Only connecting and disconnecting change it. */
  readonly networks?: Readonly<Record<string, RequestedEndpoint>>;
  /** OCI hooks that plugins added. */
  readonly ociHooks?: OciHooks;
}

/** What a container requests of a network. Plain JSON. */
export interface RequestedEndpoint {
  /** IPv4 address. */
  readonly address?: string;
  /** IPv6 address. */
  readonly six?: string;
  readonly mac?: string;
  /** Names by which other containers of the network reach it. */
  readonly aliases?: readonly string[];
  /** The network with the highest priority provides the default route. */
  readonly priority?: number;
}

interface Times {
  /** Unix time in ms. */
  readonly startedMs: number;
}

/** A state with a running task. */
interface Live extends Times {
  readonly pid: number;
  /**
   * Start time in clock ticks since boot, in decimal (field 22 of `/proc/PID/stat`). Together with the pid it
   * identifies a process, even after the pid was reused.
   */
  readonly startTicks: string;
  /**
   * How many processes the kernel has killed for lack of memory, as far as it has notified the engine. Older engines
   * did not record it.
   */
  readonly oomKills?: number;
}

/** How the last task ended. */
export interface Ended extends Times {
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly error: string;
  /** Whether the kernel killed the init process for lack of memory. */
  readonly oomKilled?: boolean;
}

/** The state of a container. Plain JSON. */
export type ContainerState =
  /** Never started. A failed first start leaves its exit code (125 to 127) and its error here. */
  | { readonly status: "created"; readonly exitCode: number; readonly error: string }
  | (Live & { readonly status: "running" })
  /** All of its processes are frozen. */
  | (Live & { readonly status: "paused" })
  | (Ended & { readonly status: "exited" })
  /** Its task has ended, and its restart policy will start it again. */
  | (Ended & { readonly status: "restarting" });

/** A state with a running task. */
export type LiveState = Extract<ContainerState, Live>;

/** A state of a container whose last task has ended. */
export type EndedState = Extract<ContainerState, Ended>;

/** The history that restart policies are evaluated on. Plain JSON. */
export interface RestartHistory {
  /** How many times the policy has restarted it since a user, or the engine's start, started it. */
  readonly count: number;
  /** The delay before the present task, or the next one, in ms. 0 if the policy did not start it. */
  readonly delayMs: number;
  /** Whether a user has stopped it since its last start. */
  readonly byHand: boolean;
}

/** The history of a container that a user has just started. */
export const NO_RESTARTS: RestartHistory = { count: 0, delayMs: 0, byHand: false };

export type ContainerStatus = ContainerState["status"];

/**
 * A container with its record and its state. Other modules read it; only {@link ContainerTable} writes it, together
 * with its row in the database.
 */
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

  /** Set by the container table only, together with the row. */
  set record(record: ContainerRecord) {
    this.#record = record;
  }

  get name(): string {
    return this.#name;
  }

  /** Set by the container table only, together with the row. */
  set name(name: string) {
    this.#name = name;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** Set by the container table only, together with the row. */
  set state(state: ContainerState) {
    this.#state = state;
  }

  get restarts(): RestartHistory {
    return this.#restarts;
  }

  /** Set by the container table only, together with the row. */
  set restarts(restarts: RestartHistory) {
    this.#restarts = restarts;
  }

  /** Whether it has a running or paused task. */
  get isRunning(): boolean {
    return isLive(this.#state);
  }

  get isRestarting(): boolean {
    return this.#state.status === "restarting";
  }

  /** Whether it has a task, or its restart policy is about to start one: Docker's `Running`. */
  get isActive(): boolean {
    return this.isRunning || this.isRestarting;
  }

  get isPaused(): boolean {
    return this.#state.status === "paused";
  }

  /** Whether a start would start a task. In other states it has one, or its restart policy is about to start one. */
  get canStart(): boolean {
    return !this.isActive;
  }

  /** Whether a signal or a stop has an effect: on its task, or on the restart that it waits for. */
  get canKill(): boolean {
    return this.isActive;
  }

  /** Whether it can be removed without force. */
  get canRemove(): boolean {
    return !this.isActive;
  }

  /** Returns the state of the running or paused task. @throws {TsdError} not_running, with Docker's text */
  running(): LiveState {
    if (isLive(this.#state)) return this.#state;
    throw new TsdError("not_running", `container ${this.id} is not running`);
  }
}

/**
 * Refuses an operation that needs a task while the restart policy is about to start one.
 * @throws {TsdError} conflict, with Docker's text
 */
export function refuseRestarting({ isRestarting }: Pick<Container, "isRestarting">, nameOrId: string): void {
  if (!isRestarting) return;
  throw new TsdError("conflict", `Container ${nameOrId} is restarting, wait until the container is running`);
}

/** Returns whether a state has a running or paused task. */
export const isLive = (state: ContainerState): state is LiveState =>
  state.status === "running" || state.status === "paused";
