import type { ContainerTopResponse, ContainerUpdateRequest, ContainerUpdateResponse } from "../api_types/mod.ts";
import { discard, type EngineTransport, escapeName, type QueryParams, readJson } from "./transport.ts";

async function step(engine: EngineTransport, id: string, action: string, query: QueryParams = {}): Promise<void> {
  await discard(await engine.request({ method: "POST", path: `/containers/${escapeName(id)}/${action}`, query }));
}

/** Stops a container, as `stopContainer` does, and starts it again; one that doesn't run is started. */
export function restartContainer(
  engine: EngineTransport,
  id: string,
  { timeoutSeconds, signal }: { timeoutSeconds?: number | undefined; signal?: string | undefined } = {},
): Promise<void> {
  return step(engine, id, "restart", { t: timeoutSeconds, signal });
}

/** Freezes all processes of a container. */
export function pauseContainer(engine: EngineTransport, id: string): Promise<void> {
  return step(engine, id, "pause");
}

/** Lets a paused container go on. */
export function unpauseContainer(engine: EngineTransport, id: string): Promise<void> {
  return step(engine, id, "unpause");
}

/** @throws {TsdError} name_in_use */
export function renameContainer(engine: EngineTransport, id: string, name: string): Promise<void> {
  return step(engine, id, "rename", { name });
}

/** Changes limits and the restart policy. @throws {TsdError} conflict, and what a limit can't be */
export async function updateContainer(
  engine: EngineTransport,
  id: string,
  body: ContainerUpdateRequest,
): Promise<ContainerUpdateResponse> {
  const path = `/containers/${escapeName(id)}/update`;
  return await readJson(await engine.request({ method: "POST", path, body }));
}

/** The processes of a container as ps shows them; `psArgs` are ps's options, `-ef` if there are none. */
export async function containerTop(
  engine: EngineTransport,
  id: string,
  psArgs: string | undefined,
): Promise<ContainerTopResponse> {
  const query = { ps_args: psArgs };
  return await readJson(await engine.request({ method: "GET", path: `/containers/${escapeName(id)}/top`, query }));
}
