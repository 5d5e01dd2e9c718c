import type { ContainerPathStat } from "../api_types/mod.ts";
import { isTsdError, TsdError } from "../errors.ts";
import type { Resource } from "./resource.ts";
import { discard, type EngineResponse } from "./transport.ts";

const STAT_HEADER = "x-docker-container-path-stat";

/** Sends `HEAD /containers/{id}/archive` (Engine API, `ContainerArchiveInfo`). */
export async function statPath(container: Resource, name: string, path: string): Promise<ContainerPathStat> {
  try {
    const response = await container.transport.request({
      method: "HEAD",
      path: container.path("/archive"),
      query: { path },
    });
    await discard(response);
    return pathStatOf(response);
  } catch (thrown) {
    // A response to HEAD has no body, so these are the messages that the engine would give.
    if (isTsdError(thrown, "container_not_found")) throw new TsdError(thrown.code, `No such container: ${name}`);
    if (!isTsdError(thrown, "not_found")) throw thrown;
    throw new TsdError(thrown.code, `Could not find the file ${path} in container ${name}`, { cause: thrown });
  }
}

/** Returns the facts about a path from the header of a response. @throws {TsdError} engine_unavailable: there are none */
export function pathStatOf({ headers }: EngineResponse): ContainerPathStat {
  const value = headers.get(STAT_HEADER);
  if (value === undefined) throw new TsdError("engine_unavailable", "The engine says nothing about the path");
  return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(value)));
}
