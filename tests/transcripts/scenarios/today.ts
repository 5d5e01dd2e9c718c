/** Differences of today's Docker (28) from dockerd 20.10 that several scenarios have. */
import type { Difference } from "../scenario.ts";

/** A difference that may occur in any step. */
interface General {
  readonly says: RegExp;
  /** Returns the replacement of a match, given it and its first group. */
  readonly now: (found: string, group: string) => string;
  readonly why: string;
}

/** Applied to every recorded step. */
export const EVERYWHERE: readonly General[] = [
  {
    says: /failed to create shim task: OCI runtime/g,
    now: (found) => `failed to create task for container: ${found}`,
    why: "Docker 23 and later say what containerd was asked for",
  },
  {
    says: /Container (<.*?>) is not running/g,
    now: (_, id) => `container ${id} is not running`,
    why: "written in lower case by now",
  },
  {
    says:
      /(?<=^! (?:docker: )?Error response from daemon: )(?:Cannot kill|Invalid (?:filter|signal|IPC mode)|No command|Range of CPUs)/gm,
    now: (found) => found[0]!.toLowerCase() + found.slice(1),
    why: "written in lower case by now",
  },
  {
    says: /no such container (?=\S+$)/gm,
    now: () => "No such container: ",
    why: "the same words everywhere by now",
  },
  {
    says: /(?<=^! Error response from daemon: .*repository name) (?=must be lowercase)/gm,
    now: () => " (library/UPPER) ",
    why: "the name is said since Docker 23; scenarios have only this one",
  },
  {
    says: /no such image: (\S+): (?=No such image: )/g,
    now: () => "",
    why: "dockerd 20.10 says it twice",
  },
  {
    says: /\(exitCode=/g,
    now: (found) => found.replace("(", "(execDuration=<age>, "),
    why: "Docker 23 and later tell how long the process ran",
  },
  {
    says: /^> IPv4 forwarding is disabled\. Networking will not work\.\n/gm,
    now: () => "",
    why: "no warning by now about containers without a network",
  },
];

/** @param name as given on the command line */
export const removesRunning = (name: string): Difference => ({
  says: /You cannot remove a running container <.*>\. Stop the container before attempting removal or force remove/,
  now: `cannot remove container "${name}": container is running: stop the container before removing or force remove`,
  why: "Docker 28 names the container as it was named",
});

/** Another text in Docker 28. */
export const reworded = (says: string, now: string): Difference => ({ says, now, why: "written otherwise by now" });

export const EXEC_EXIT_CODE: Difference = {
  says: "= 126\n",
  now: "= 127\n",
  why: "dockerd 20.10 forgot the exit code that it had found out",
};
