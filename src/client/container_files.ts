import type { FilesystemChange } from "../api/wire/mod.ts";
import { type EngineTransport, escapeName, readJson } from "./transport.ts";

/** What a container changed in its root. Engines say `null` for nothing. */
export async function containerChanges(engine: EngineTransport, id: string): Promise<FilesystemChange[]> {
  const answer = await engine.request({ method: "GET", path: `/containers/${escapeName(id)}/changes` });
  return await readJson<FilesystemChange[] | null>(answer) ?? [];
}
