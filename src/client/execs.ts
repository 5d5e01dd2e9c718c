import type { ExecCreateRequest, ExecCreateResponse, ExecInspect, ExecStartRequest } from "../api_types/mod.ts";
import { discard, type EngineTransport, escapeName, type RawStream, readJson } from "./transport.ts";

/** Prepares a process in a running container; the answer is its id. */
export async function createExec(engine: EngineTransport, container: string, body: ExecCreateRequest): Promise<string> {
  const path = `/containers/${escapeName(container)}/exec`;
  const { Id } = await readJson<ExecCreateResponse>(await engine.request({ method: "POST", path, body }));
  return Id;
}

/** Starts a process in a running container, with its stdio on the returned connection. */
export async function runExec(
  engine: EngineTransport,
  container: string,
  body: ExecCreateRequest,
): Promise<{ readonly id: string; readonly stream: RawStream }> {
  const path = `/containers/${escapeName(container)}/exec`;
  // tsd does at once what takes an engine of Docker two requests, and tells the exit code in the stream.
  const headers = { "Tsd-Attach": "1" };
  const stream = await engine.hijack({ method: "POST", path, body, headers, mayAnswer: true });
  const id = stream.headers.get("tsd-exec-id");
  if (id !== undefined) return { id, stream };
  using answer = stream;
  const { Id } = await readJson<ExecCreateResponse>({ body: answer.output });
  return { id: Id, stream: await startExec(engine, Id, { Detach: false, Tty: body.Tty ?? false }) };
}

/** Starts it with its stdio on the returned connection. */
function startExec(engine: EngineTransport, id: string, body: ExecStartRequest): Promise<RawStream> {
  return engine.hijack({ method: "POST", path: `/exec/${id}/start`, body });
}

/** The streams of a running one whose engine went away. tsd's own. @throws {TsdError} conflict, exec_not_found */
export function reattachExec(engine: EngineTransport, id: string): Promise<RawStream> {
  return engine.hijack({ method: "POST", path: `/tsd/exec/${id}/attach` });
}

/** Starts it in the background. */
export async function startExecDetached(engine: EngineTransport, id: string, tty: boolean): Promise<void> {
  const body: ExecStartRequest = { Detach: true, Tty: tty };
  await discard(await engine.request({ method: "POST", path: `/exec/${id}/start`, body }));
}

export async function inspectExec(engine: EngineTransport, id: string): Promise<ExecInspect> {
  return await readJson(await engine.request({ method: "GET", path: `/exec/${id}/json` }));
}

/** Tells a terminal's size, in characters. */
export async function resizeExec(engine: EngineTransport, id: string, rows: number, columns: number): Promise<void> {
  await discard(await engine.request({ method: "POST", path: `/exec/${id}/resize`, query: { h: rows, w: columns } }));
}
