/** The mode `container:NAME` of `--network`, `--pid` and `--ipc`: a namespace of another container. */

const PREFIX = "container:";

/** Returns the name or id of the container that a mode names, or undefined for any other mode. */
export function namedContainer(mode: string | undefined): string | undefined {
  return mode?.startsWith(PREFIX) && mode.length > PREFIX.length ? mode.slice(PREFIX.length) : undefined;
}

/** Returns the mode that joins a namespace of a container. */
export const joinContainer = (nameOrId: string): string => PREFIX + nameOrId;
