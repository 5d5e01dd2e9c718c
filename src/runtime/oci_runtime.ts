/**
 * @module
 * The port to an OCI runtime (runtime-spec v1.1, "Lifecycle"; command line as runc's). Whoever calls it has written the
 * bundle's config.json; the runtime knows no images and no API.
 */

import type { OciLimits } from "./spec/mod.ts";

/** Where a process's standard streams come from: paths that are opened in the child, read-write for FIFOs. */
export interface StdioPaths {
  /** A FIFO, or `/dev/null`. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs, or waits for start. Exits are seen by the {@link Reaper}. */
export interface RunningProcess {
  /** In the engine's pid namespace. */
  readonly pid: number;
}

export interface CreateOptions {
  readonly id: string;
  /** Folder that holds config.json. */
  readonly bundle: string;
  readonly stdio: StdioPaths;
  /** Where the pty's master is sent to, for a process with a terminal. */
  readonly consoleSocket?: string;
}

export interface ExecOptions {
  readonly containerId: string;
  /** Names this exec's files; unique. */
  readonly execId: string;
  /** Folder for process.json, the pid file and the log. */
  readonly dir: string;
  /** The contents of process.json. */
  readonly processJson: string;
  readonly stdio: StdioPaths;
  readonly consoleSocket?: string;
}

export interface StartOptions {
  /** It has `poststart` hooks, which the runtime runs once the process executes its program. */
  readonly hasPoststart?: boolean;
}

/** What is asked of runc, crun, youki. Errors: runtime_missing, runtime_failed, command_not_found/_executable, timeout. */
export interface OciRuntime {
  /** The runtime's name and version, for `info`. @throws {TsdError} runtime_missing */
  version(): Promise<{ name: string; version: string; path: string }>;
  /** Says that a create or an exec is about to come, so that the machine can be made ready meanwhile. Returns at once. */
  expect(): void;
  /** Makes the container; its process waits for {@link OciRuntime.start}. On an error nothing is left. */
  create(options: CreateOptions): Promise<RunningProcess>;
  /**
   * Lets a created container's process execute its program, and resolves once it does (or has ended): a signal that is
   * sent from then on reaches the program.
   * @param pid what {@link OciRuntime.create} returned
   */
  start(id: string, pid: number, options?: StartOptions): Promise<void>;
  /**
   * Whether a container was made and waits for {@link OciRuntime.start}; one that the runtime doesn't know does not.
   * @param pid its first process: when that executes its command all the same, a start was interrupted, and is completed
   */
  isWaiting(id: string, pid?: number): Promise<boolean>;
  /** Starts a further process in a running container. It executes its program when this resolves. */
  exec(options: ExecOptions): Promise<RunningProcess>;
  /** Sends a signal to the first process, or to all of the container's. */
  kill(id: string, signal: number, all?: boolean): Promise<void>;
  /** Freezes all of the container's processes, or lets them go on (`pause` and `resume`). */
  setFrozen(id: string, frozen: boolean): Promise<void>;
  /** Changes the limits of a running container; what is left out stays as it is. */
  update(id: string, resources: OciLimits): Promise<void>;
  /**
   * Removes what the runtime keeps of a stopped container (kills it when `force`). Nothing there is no error. False: it
   * knew nothing of it, or nothing that makes sense, so that it removed no cgroup either.
   */
  delete(id: string, force?: boolean): Promise<boolean>;
}
