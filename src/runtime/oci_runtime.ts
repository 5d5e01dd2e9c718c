/**
 * @module
 * The interface to an OCI runtime (runtime-spec v1.1, "Lifecycle"; runc's command line). The caller writes the bundle's
 * config.json; the runtime knows neither images nor the Docker API.
 */

import type { OciLimits } from "./spec/mod.ts";

/** Paths of a process's standard streams. The child opens them: stdin read-only, stdout and stderr read-write. */
export interface StdioPaths {
  /** A FIFO, or `/dev/null`. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs, or that waits to be started. The {@link Reaper} reports its exit. */
export interface RunningProcess {
  /** The process id in the engine's pid namespace. */
  readonly pid: number;
}

export interface CreateOptions {
  readonly id: string;
  /** Directory that holds config.json. */
  readonly bundle: string;
  readonly stdio: StdioPaths;
  /** Path of the unix socket that receives the pty's master, for a process with a terminal. */
  readonly consoleSocket?: string;
}

export interface ExecOptions {
  readonly containerId: string;
  /** Unique id, which names the files of this exec. */
  readonly execId: string;
  /** Directory for process.json, the pid file and the log. */
  readonly dir: string;
  /** The contents of process.json. */
  readonly processJson: string;
  readonly stdio: StdioPaths;
  readonly consoleSocket?: string;
}

export interface StartOptions {
  /** Whether the container has `poststart` hooks, which the runtime runs once the process executes its program. */
  readonly hasPoststart?: boolean;
}

/**
 * An OCI runtime: runc, crun or youki.
 *
 * A *bundle* is a directory with config.json and, by reference, the root filesystem. The *init process* is the
 * container's first process. A container is *created* when its namespaces and cgroup exist and its init process waits;
 * it is *running* once the init process executes the container's program, and *stopped* once the init process has
 * exited.
 *
 * To run a container, the caller writes the bundle, optionally calls {@link OciRuntime.prepare}, and calls
 * {@link OciRuntime.create}, which returns the pid of the init process. It can then open a pidfd, connect networks
 * and attach streams while no code of the container runs. {@link OciRuntime.start} executes the program;
 * {@link OciRuntime.exec} adds processes to the running container. Exits of all these processes are reported by the
 * {@link Reaper}, not by the runtime. After the exit of the init process, {@link OciRuntime.delete} removes the
 * runtime's state and the cgroup.
 *
 * All methods that call the runtime reject with a {TsdError}: runtime_missing, runtime_failed, command_not_found,
 * command_not_executable, not_a_directory or timeout.
 */
export interface OciRuntime {
  /** Returns the runtime's name, version and path, for `info`. @throws {TsdError} runtime_missing, runtime_failed */
  version(): Promise<{ name: string; version: string; path: string }>;
  /** Announces a create or an exec, so that the kernel can be prepared meanwhile. Returns at once. */
  prepare(): void;
  /** Creates the container; its init process waits for {@link OciRuntime.start}. A failure leaves nothing behind. */
  create(options: CreateOptions): Promise<RunningProcess>;
  /**
   * Lets the init process of a created container execute its program. Resolves once it does, or has exited: from then
   * on a signal reaches the program.
   * @param pid the pid that {@link OciRuntime.create} returned
   */
  start(id: string, pid: number, options?: StartOptions): Promise<void>;
  /**
   * Returns whether a container is created and waits for {@link OciRuntime.start}. False for a container that the
   * runtime doesn't know.
   * @param pid the init process: if it executes its program although the runtime's state says that it waits, an earlier
   * start was interrupted, and is completed here
   */
  isWaiting(id: string, pid?: number): Promise<boolean>;
  /** Starts another process in a running container. Resolves once the process executes its program. */
  exec(options: ExecOptions): Promise<RunningProcess>;
  /** Sends a signal to the init process, or with `all` to every process of the container. */
  kill(id: string, signal: number, all?: boolean): Promise<void>;
  /** Freezes or thaws all processes of the container (`pause` and `resume`). */
  setFrozen(id: string, frozen: boolean): Promise<void>;
  /** Changes the limits of a running container; omitted ones keep their value. */
  update(id: string, resources: OciLimits): Promise<void>;
  /**
   * Removes the runtime's state of a stopped container; with `force`, kills the container first. Cgroups remain if the
   * runtime had no state of the container, or no readable state.
   */
  delete(id: string, force?: boolean): Promise<void>;
}
