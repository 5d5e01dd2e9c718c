/** An engine with its command line client, as the benchmarks see it: the same verbs, each in the client's own words. */

/** A program to run, with its whole environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What all clients know. */
export type Verb = "--version" | "version" | "run" | "exec" | "rm" | "pull" | "rmi";

export interface Contender extends AsyncDisposable {
  readonly name: "tsd" | "docker" | "podman";
  /** What is measured: client and engine with their versions. */
  readonly description: string;
  /** The client's command for a verb, with the flags that make it do the same as the others. */
  command(verb: Verb, ...args: readonly string[]): Command;
}

/** This contender can't take part here; the message says why in one line. */
export class ContenderMissing extends Error {
  override readonly name = "ContenderMissing";
}
