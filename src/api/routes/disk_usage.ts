/**
 * @module
 * `GET /system/df`.
 */
import { TsdError } from "../../errors.ts";
import { json } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { summariseContainer } from "../views/container_view.ts";
import { summariseImage } from "../views/image_view.ts";
import { volumeView } from "../views/volume_view.ts";
import type { DiskUsage } from "../../api_types/mod.ts";

type Used = Pick<Engine, "networks" | "settings" | "system" | "tasks" | "volumes">;

const KINDS = ["container", "image", "volume", "build-cache"];

export function diskUsageRoutes(engine: Used): Route[] {
  return [{
    method: "GET",
    path: "/system/df",
    since: "1.25",
    handler: async (request) => json(await measure(engine, request)),
  }];
}

async function measure(
  {
    system: { diskUsage },
    tasks: { health },
    networks: { containers: networks },
    volumes: { usage: volumeUsage },
    settings: { paths },
  }: Used,
  { query, version }: ApiRequest,
): Promise<DiskUsage> {
  const kinds = requestedKinds(atLeast(version, "1.42") ? query.all("type") : []);
  const images = kinds.includes("image") ? await diskUsage.images() : undefined;
  const containers = kinds.includes("container") ? await diskUsage.containers() : undefined;
  const volumes = kinds.includes("volume") ? await volumeUsage.measure() : undefined;
  return {
    LayersSize: images?.layersBytes ?? 0,
    Images: images?.images.map(({ image, ...context }) => summariseImage(image, { ...context, version })) ?? null,
    Containers: containers?.map(({ container, size }) => ({
      ...summariseContainer(container, Date.now(), networks.endpointsOf(container), health.stateOf(container)),
      SizeRw: size.written,
      SizeRootFs: size.total,
    })) ?? null,
    Volumes: volumes?.map(({ volume, bytes, users }) => volumeView(volume, paths, { Size: bytes, RefCount: users })) ??
      null,
    // This engine has no builder yet.
    BuildCache: kinds.includes("build-cache") ? [] : null,
  };
}

/**
 * Returns the requested kinds; all of them if none is named.
 * @throws {TsdError} invalid_argument, with Docker's message
 */
function requestedKinds(named: readonly string[]): readonly string[] {
  const unknown = named.find((kind) => !KINDS.includes(kind));
  if (unknown !== undefined) throw new TsdError("invalid_argument", `unknown object type: ${unknown}`);
  return named.length === 0 ? KINDS : named;
}
