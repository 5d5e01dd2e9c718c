/**
 * @module
 * One further process in a container, as the engine knows it.
 */
import type { ExecCreateRequest, ExecInspect } from "../../api_types/mod.ts";
import type { ProcessStdio, TerminalSize } from "../../runtime/stdio.ts";
import type { Container } from "../model/container.ts";

/** A request with a command in it. */
export type ExecRequest = ExecCreateRequest & { readonly Cmd: readonly string[] };

/** See the module's comment. */
export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly request: ExecRequest;
  /** What ends a client's connection to its terminal. */
  readonly detachKeys: Uint8Array | undefined;
  /** Of its terminal at the start; the request to start it may name another one than the request to make it. */
  size: TerminalSize | undefined;
  status: "created" | "running" | "ended";
  pid: number;
  startTicks: string;
  exitCode: number | null;
  output: boolean;
  /** It has ended, and its output was delivered. */
  isOver: boolean;
  /** Its client was cut off from a former engine and may come back to this one. */
  isAwaited: boolean;
  /** Its streams, once it is being started; absent once they are over. */
  io: PromiseWithResolvers<ProcessStdio> | undefined;
}

/** What outlives the engine of an exec. Plain JSON. */
export interface ExecNote {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecRequest;
  readonly status: Exec["status"];
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  /** Null: it has none yet, or nobody knows it. */
  readonly exitCode: number | null;
  /** Whether anybody wanted its output at its start. */
  readonly output: boolean;
  /** It has ended, and its output was delivered. */
  readonly isOver: boolean;
}

/** Whether it has a keeper: without one its input or terminal would end with its engine. */
export const isKept = ({ AttachStdin, Tty }: ExecRequest): boolean => AttachStdin === true || Tty === true;

/** As of now. */
export function noteOf({ id, container, request, status, pid, startTicks, exitCode, output, isOver }: Exec): ExecNote {
  return { id, containerId: container.id, request, status, pid, startTicks, exitCode, output, isOver };
}

/** As `GET /exec/{id}/json` shows it. */
export function inspectExec({ id, container, request, status, pid, exitCode, isAwaited }: Exec): ExecInspect {
  return {
    ID: id,
    ContainerID: container.id,
    Running: status === "running",
    ExitCode: exitCode,
    ProcessConfig: {
      tty: request.Tty ?? false,
      entrypoint: request.Cmd[0],
      arguments: request.Cmd.slice(1),
      privileged: request.Privileged ?? false,
      ...(request.User ? { user: request.User } : {}),
    },
    OpenStdin: request.AttachStdin ?? false,
    OpenStderr: request.AttachStderr ?? false,
    OpenStdout: request.AttachStdout ?? false,
    CanRemove: status === "ended",
    DetachKeys: request.DetachKeys ?? "",
    Pid: pid,
    ...(isAwaited && { TsdAwaited: true }),
  };
}
