import type {
  Network,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  NetworkReloadResponse,
} from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { discard, type EngineTransport, escapeName, readJson } from "./transport.ts";

const path = (name: string, action = "") => `/networks/${escapeName(name)}${action}`;

export async function listNetworks(engine: EngineTransport, filters: ListFilters = {}): Promise<Network[]> {
  const query = { filters: encodeFilters(filters) };
  return await readJson(await engine.request({ method: "GET", path: "/networks", query }));
}

/** @throws {TsdError} conflict: the name is taken */
export async function createNetwork(
  engine: EngineTransport,
  body: NetworkCreateRequest,
): Promise<NetworkCreateResponse> {
  return await readJson(await engine.request({ method: "POST", path: "/networks/create", body }));
}

export async function inspectNetwork(engine: EngineTransport, name: string): Promise<Network> {
  return await readJson(await engine.request({ method: "GET", path: path(name) }));
}

/** @throws {TsdError} permission_denied: a container that runs is in it */
export async function removeNetwork(engine: EngineTransport, name: string): Promise<void> {
  await discard(await engine.request({ method: "DELETE", path: path(name) }));
}

export async function connectNetwork(
  engine: EngineTransport,
  name: string,
  body: NetworkConnectRequest,
): Promise<void> {
  await discard(await engine.request({ method: "POST", path: path(name, "/connect"), body }));
}

export async function disconnectNetwork(
  engine: EngineTransport,
  name: string,
  body: NetworkDisconnectRequest,
): Promise<void> {
  await discard(await engine.request({ method: "POST", path: path(name, "/disconnect"), body }));
}

/** Loads all rules anew. tsd's own: other engines answer that there is no such page. */
export async function reloadNetworks(engine: EngineTransport): Promise<NetworkReloadResponse> {
  return await readJson(await engine.request({ method: "POST", path: "/tsd/networks/reload" }));
}
