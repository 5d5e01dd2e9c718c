/** Defines a peer: an engine and its command line client, with the same verbs for all. */

/** A program with its arguments and whole environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Commands that all clients have. */
export type Verb =
  | "--version"
  | "version"
  | "run"
  | "create"
  | "start"
  | "exec"
  | "stop"
  | "wait"
  | "logs"
  | "inspect"
  | "network"
  | "rm"
  | "pull"
  | "rmi";

/** A process in `/proc`; arguments and variables are separated by blanks. */
export interface ProcessInfo {
  readonly pid: number;
  readonly command: string;
  readonly environment: string;
}

export interface Peer extends AsyncDisposable {
  readonly name: "tsd" | "docker" | "podman";
  /** Versions of the client and the engine. */
  readonly description: string;
  /** The API's socket; undefined if it has no daemon. */
  readonly socketPath?: string;
  /** Whether a process is the engine or one of its helpers, not a process in a container. */
  owns(process: ProcessInfo): boolean;
  /** Returns the client's command for a verb, with the flags that make all peers do the same. */
  command(verb: Verb, ...args: readonly string[]): Command;
  /** Like {@link command}, executed by a client process; undefined if {@link command} always is. */
  selfProcess?(verb: Verb, ...args: readonly string[]): Command;
}

/** Thrown if a peer is not available; the message is the reason, in one line. */
export class PeerMissing extends Error {
  override readonly name = "PeerMissing";
}
