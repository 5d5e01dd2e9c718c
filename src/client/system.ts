import type { SystemInfo, Version } from "../api/wire/mod.ts";
import { type EngineTransport, readJson } from "./transport.ts";

export async function engineVersion(engine: EngineTransport): Promise<Version> {
  return await readJson(await engine.request({ method: "GET", path: "/version" }));
}

export async function engineInfo(engine: EngineTransport): Promise<SystemInfo> {
  return await readJson(await engine.request({ method: "GET", path: "/info" }));
}
