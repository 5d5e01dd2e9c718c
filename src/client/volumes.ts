import type { Volume, VolumeCreateRequest, VolumeListResponse } from "../api/wire/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { discard, type EngineTransport, escapeName, readJson } from "./transport.ts";

const path = (name: string) => `/volumes/${escapeName(name)}`;

/** Engines say `null` for none. */
export async function listVolumes(engine: EngineTransport, filters: ListFilters = {}): Promise<VolumeListResponse> {
  const query = { filters: encodeFilters(filters) };
  const answer: VolumeListResponse = await readJson(await engine.request({ method: "GET", path: "/volumes", query }));
  return { ...answer, Volumes: answer.Volumes ?? [] };
}

/** Makes a volume, or gives the one of that name. */
export async function createVolume(engine: EngineTransport, body: VolumeCreateRequest): Promise<Volume> {
  return await readJson(await engine.request({ method: "POST", path: "/volumes/create", body }));
}

export async function inspectVolume(engine: EngineTransport, name: string): Promise<Volume> {
  return await readJson(await engine.request({ method: "GET", path: path(name) }));
}

/** With all that is in it. @throws {TsdError} conflict: a container uses it */
export async function removeVolume(
  engine: EngineTransport,
  name: string,
  { force }: { force?: boolean } = {},
): Promise<void> {
  await discard(await engine.request({ method: "DELETE", path: path(name), query: force ? { force } : {} }));
}
