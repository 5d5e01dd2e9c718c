import type { Volume, VolumeCreateRequest, VolumeListResponse } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { discard, type EngineResponse, type EngineTransport, escapeName, readJson } from "./transport.ts";

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

const own = (name: string, action: string) => `/tsd${path(name)}/${action}`;

/** Another name for a volume that no container uses. tsd's own, as all below: other engines say that there is no such page. */
export async function renameVolume(engine: EngineTransport, name: string, newName: string): Promise<void> {
  await discard(await engine.request({ method: "POST", path: own(name, "rename"), query: { name: newName } }));
}

/** A new volume with the files of another one. */
export async function cloneVolume(engine: EngineTransport, name: string, newName: string): Promise<Volume> {
  return await readJson(await engine.request({ method: "POST", path: own(name, "clone"), query: { name: newName } }));
}

/** A tar of a volume's files, in the answer's body. */
export function exportVolume(engine: EngineTransport, name: string): Promise<EngineResponse> {
  return engine.request({ method: "GET", path: own(name, "archive") });
}

/** Unpacks a tar into a volume, which is made if there is none. */
export async function importVolume(
  engine: EngineTransport,
  name: string,
  upload: AsyncIterable<Uint8Array>,
): Promise<Volume> {
  const headers = { "Content-Type": "application/x-tar" };
  return await readJson(await engine.request({ method: "PUT", path: own(name, "archive"), headers, upload }));
}
