/** `POST /containers/{id}/exec`. */
export interface ExecCreateRequest {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  /** `[height, width]` in characters. */
  ConsoleSize?: readonly [number, number] | null;
  DetachKeys?: string;
  Tty?: boolean;
  /** `KEY=value`. */
  Env?: readonly string[] | null;
  Cmd?: readonly string[] | null;
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
  /** Sent by old clients; the start request takes precedence. */
  Detach?: boolean;
}

export interface ExecCreateResponse {
  /** 64 hexadecimal digits. */
  Id: string;
}

/** `POST /exec/{id}/start`. */
export interface ExecStartRequest {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: readonly [number, number] | null;
}

export interface ExecProcessConfig {
  tty: boolean;
  entrypoint: string;
  arguments: readonly string[];
  privileged: boolean;
  user?: string;
}

/** `GET /exec/{id}/json`. */
export interface ExecInspect {
  ID: string;
  ContainerID: string;
  Running: boolean;
  /** null while the process runs and before it is started. */
  ExitCode: number | null;
  ProcessConfig: ExecProcessConfig;
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  DetachKeys: string;
  /** The process's id on the host, 0 before it is started. */
  Pid: number;
  /** tsd's extension: the client lost its connection when the engine was replaced, and can attach again. */
  TsdAwaited?: boolean;
}
