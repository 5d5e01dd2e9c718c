import type { SystemInfo, Version } from "../api_types/mod.ts";
import { type EngineTransport, readJson } from "./transport.ts";

/** `timeoutMs` is the longest wait for the answer. */
export async function engineVersion(engine: EngineTransport, timeoutMs: number): Promise<Version> {
  return await readJson(await engine.request({ method: "GET", path: "/version", timeoutMs }));
}

export async function engineInfo(engine: EngineTransport): Promise<SystemInfo> {
  return await readJson(await engine.request({ method: "GET", path: "/info" }));
}
