/**
 * @module
 * One further process in a container, as the engine knows it.
 */
import type { ExecCreateRequest, ExecInspect } from "../../api/wire/mod.ts";
import type { ProcessIo, TerminalSize } from "../../runtime/process_io.ts";
import type { Container } from "../containers/container.ts";

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
  exitCode: number | null;
  /** Its streams, once it is being started. */
  readonly io: PromiseWithResolvers<ProcessIo>;
}

/** As `GET /exec/{id}/json` shows it. */
export function inspectExec({ id, container, request, status, pid, exitCode }: Exec): ExecInspect {
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
  };
}
