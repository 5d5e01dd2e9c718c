/** A container that is there as a request that would make it again: what was asked for, on the image that it has. */
import type { ContainerConfig, ContainerInspect, HostConfig, ImageInspect } from "../api/wire/mod.ts";
import { inspectImage } from "../client/images.ts";
import { engineInfo } from "../client/system.ts";
import type { EngineTransport } from "../client/transport.ts";
import { toTsdError } from "../errors.ts";
import { ownConfig } from "./own_config.ts";
import { ownHostConfig } from "./own_host_config.ts";

export interface MadeContainer {
  readonly name: string;
  /** The reference as it was written, where that is still the same image; else the image's id. */
  readonly image: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
}

/** What inspect shows of a container, and what else has to be known of its engine, as a request. */
export async function madeContainer(engine: EngineTransport, container: ContainerInspect): Promise<MadeContainer> {
  const { Config: config, HostConfig: host, Image: id } = container;
  const info = await engineInfo(engine);
  const written = config.Image ?? "";
  const named = await imageIfThere(engine, written);
  const image = named?.Id === id ? named : await imageIfThere(engine, id);
  const hostname = usualHostname(container, info.Name);
  const { Image: _, ...own } = ownConfig(config, image?.Config ?? {}, hostname);
  return {
    name: container.Name.replace(/^\//, ""),
    image: named?.Id === id ? written : id,
    config: own,
    hostConfig: ownHostConfig(host, info),
  };
}

/** An image may have been removed by force: then everything counts as the container's own. */
/** With another one's network it has that one's name, which can't be asked for. */
function usualHostname({ Id: id, HostConfig: host, Config: config }: ContainerInspect, hostName: string): string {
  if (host.NetworkMode?.startsWith("container:")) return config.Hostname ?? "";
  return host.NetworkMode === "host" ? hostName : id.slice(0, 12);
}

async function imageIfThere(engine: EngineTransport, name: string): Promise<ImageInspect | undefined> {
  if (name === "") return undefined;
  try {
    return await inspectImage(engine, name);
  } catch (thrown) {
    if (toTsdError(thrown).meaning.http === 404) return undefined;
    throw thrown;
  }
}
