/** What today's Docker (28) says where dockerd 20.10 said something else, for more than one scenario. */
import type { Difference } from "../scenario.ts";

export const CREATE_TASK: Difference = {
  says: "failed to create shim task: OCI runtime",
  now: "failed to create task for container: failed to create shim task: OCI runtime",
  why: "Docker 23 and later say what containerd was asked for",
};

/** @param name as it was given on the command line */
export const removesRunning = (name: string): Difference => ({
  says: /You cannot remove a running container <.*>\. Stop the container before attempting removal or force remove/,
  now: `cannot remove container "${name}": container is running: stop the container before removing or force remove`,
  why: "Docker 28 names the container as it was named",
});

export const EXEC_EXIT_CODE: Difference = {
  says: "= 126\n",
  now: "= 127\n",
  why: "dockerd 20.10 forgot the exit code that it had found out",
};

export const NOT_RUNNING: Difference = {
  says: /Container (<.*>) is not running/,
  now: "container $1 is not running",
  why: "written in lower case since Docker 23",
};

export const INVALID_FILTER: Difference = {
  says: "Invalid filter",
  now: "invalid filter",
  why: "written in lower case since Docker 23",
};
