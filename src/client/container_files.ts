import type { ContainerPathStat, FilesystemChange } from "../api_types/mod.ts";
import { isTsdError, TsdError } from "../errors.ts";
import { discard, type EngineResponse, type EngineTransport, escapeName, readJson } from "./transport.ts";

const STAT_HEADER = "x-docker-container-path-stat";
const path = (id: string, action: string) => `/containers/${escapeName(id)}/${action}`;

/** What a container changed in its root. Engines say `null` for nothing. */
export async function containerChanges(engine: EngineTransport, id: string): Promise<FilesystemChange[]> {
  const answer = await engine.request({ method: "GET", path: path(id, "changes") });
  return await readJson<FilesystemChange[] | null>(answer) ?? [];
}

/** Facts about a path in a container; a link at its end isn't followed. @throws {TsdError} not_found, container_not_found */
export async function statContainerPath(
  engine: EngineTransport,
  id: string,
  containerPath: string,
): Promise<ContainerPathStat> {
  try {
    const query = { path: containerPath };
    const answer = await engine.request({ method: "HEAD", path: path(id, "archive"), query });
    await discard(answer);
    return statIn(answer);
  } catch (thrown) {
    // What engines would say: an answer to HEAD has no text.
    if (isTsdError(thrown, "container_not_found")) throw new TsdError(thrown.code, `No such container: ${id}`);
    if (!isTsdError(thrown, "not_found")) throw thrown;
    throw new TsdError(thrown.code, `Could not find the file ${containerPath} in container ${id}`, { cause: thrown });
  }
}

/** A tar of a path in a container, in the answer's body. @throws {TsdError} not_found, container_not_found */
export async function readContainerPath(
  engine: EngineTransport,
  id: string,
  containerPath: string,
): Promise<EngineResponse & { readonly stat: ContainerPathStat }> {
  const query = { path: containerPath };
  const answer = await engine.request({ method: "GET", path: path(id, "archive"), query });
  return { ...answer, stat: statIn(answer) };
}

/** How a tar is unpacked in a container. */
export interface WriteOptions {
  /** A file doesn't take the place of a folder, nor a folder that of a file. */
  readonly noOverwriteDirNonDir?: boolean;
  /** To the container's user, if it has one. */
  readonly copyUIDGID?: boolean;
}

/** Unpacks a tar into a folder of a container. */
export async function writeContainerPath(
  engine: EngineTransport,
  id: string,
  dir: string,
  upload: AsyncIterable<Uint8Array>,
  { noOverwriteDirNonDir, copyUIDGID }: WriteOptions = {},
): Promise<void> {
  const query = {
    path: dir,
    ...(noOverwriteDirNonDir ? { noOverwriteDirNonDir } : {}),
    ...(copyUIDGID ? { copyUIDGID } : {}),
  };
  const headers = { "Content-Type": "application/x-tar" };
  await discard(await engine.request({ method: "PUT", path: path(id, "archive"), query, headers, upload }));
}

/** A tar of a container's whole root, in the answer's body. */
export function exportContainer(engine: EngineTransport, id: string): Promise<EngineResponse> {
  return engine.request({ method: "GET", path: path(id, "export") });
}

function statIn({ headers }: EngineResponse): ContainerPathStat {
  const value = headers.get(STAT_HEADER);
  if (value === undefined) throw new TsdError("engine_unavailable", "The engine says nothing about the path");
  return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(value)));
}
