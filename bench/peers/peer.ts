/** An engine with its command line client, as the benchmarks see it: the same verbs, each in the client's own words. */

/** A program to run, with its whole environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What all clients know. */
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

/** A process as `/proc` tells it, its words separated by blanks. */
export interface ProcessWords {
  readonly pid: number;
  readonly command: string;
  readonly environment: string;
}

export interface Peer extends AsyncDisposable {
  readonly name: "tsd" | "docker" | "podman";
  /** What is measured: client and engine with their versions. */
  readonly description: string;
  /** Where its API is; undefined: it has no daemon. */
  readonly socketPath?: string;
  /** Whether a process is the engine or works for it; those in containers don't count. */
  owns(process: ProcessWords): boolean;
  /** The client's command for a verb, with the flags that make it do the same as the others. */
  command(verb: Verb, ...args: readonly string[]): Command;
  /** The same by a program of its own, where {@link command} has the engine do it; absent: it always is. */
  selfProcess?(verb: Verb, ...args: readonly string[]): Command;
}

/** This contender can't take part here; the message says why in one line. */
export class PeerMissing extends Error {
  override readonly name = "ContenderMissing";
}
