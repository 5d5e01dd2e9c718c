/** tsd's own calls about plugins: other engines say that there is no such page. */
import type {
  PluginFile,
  PluginGrant,
  PluginInfo,
  PluginInspection,
  PluginInstallRequest,
  PluginTestResponse,
} from "../api_types/mod.ts";
import { discard, type EngineTransport, escapeName, readJson } from "./transport.ts";

const path = (name: string, action = "") => `/tsd/plugins/${escapeName(name)}${action}`;

export async function listPlugins(engine: EngineTransport): Promise<PluginInfo[]> {
  return await readJson(await engine.request({ method: "GET", path: "/tsd/plugins" }));
}

export async function inspectPlugin(engine: EngineTransport, name: string): Promise<PluginInfo> {
  return await readJson(await engine.request({ method: "GET", path: path(name) }));
}

/** What a file is; nothing is installed. */
export async function lookAtPlugin(engine: EngineTransport, body: PluginFile): Promise<PluginInspection> {
  return await readJson(await engine.request({ method: "POST", path: "/tsd/plugins/look", body }));
}

export async function installPlugin(engine: EngineTransport, body: PluginInstallRequest): Promise<PluginInfo> {
  return await readJson(await engine.request({ method: "POST", path: "/tsd/plugins", body }));
}

/** Asks a plugin about a recorded life. */
export async function testPlugin(engine: EngineTransport, body: PluginInstallRequest): Promise<PluginTestResponse> {
  return await readJson(await engine.request({ method: "POST", path: "/tsd/plugins/test", body }));
}

export async function enablePlugin(engine: EngineTransport, name: string, body: PluginGrant): Promise<PluginInfo> {
  return await readJson(await engine.request({ method: "POST", path: path(name, "/enable"), body }));
}

export async function disablePlugin(engine: EngineTransport, name: string): Promise<PluginInfo> {
  return await readJson(await engine.request({ method: "POST", path: path(name, "/disable") }));
}

export async function removePlugin(engine: EngineTransport, name: string): Promise<void> {
  await discard(await engine.request({ method: "DELETE", path: path(name) }));
}

/** The last lines of a plugin's log. */
export async function pluginLogs(engine: EngineTransport, name: string, tail: string): Promise<string[]> {
  return await readJson(await engine.request({ method: "GET", path: path(name, "/logs"), query: { tail } }));
}
