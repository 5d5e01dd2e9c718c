/** Turns an existing container back into a request that would create it again on its image. */
import type {
  ContainerConfig,
  ContainerInspect,
  EndpointSettings,
  HostConfig,
  ImageInspect,
} from "../../api_types/mod.ts";
import type { Client } from "../../client/client.ts";
import { toTsdError } from "../../errors.ts";
import { configOverrides, withoutEmpty } from "./config_overrides.ts";
import { hostConfigOverrides } from "./host_config_overrides.ts";

/** The request that would create an existing container again. */
export interface MadeContainer {
  readonly name: string;
  /** The image reference as requested, if it still refers to the same image; otherwise the image's id. */
  readonly image: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Requested endpoint settings by network name. Undefined if the host configuration's network mode suffices. */
  readonly endpoints?: Readonly<Record<string, EndpointSettings>> | undefined;
}

/** Creates the request from a container's inspect response and its engine's information and images. */
export async function madeContainer(engine: Client, container: ContainerInspect): Promise<MadeContainer> {
  const { Config: config, HostConfig: host, Image: id } = container;
  const info = await engine.system.info();
  const written = config.Image ?? "";
  const named = await imageIfExists(engine, written);
  const image = named?.Id === id ? named : await imageIfExists(engine, id);
  const hostname = defaultHostname(container, info.Name);
  const { Image: _, ...overrides } = configOverrides(config, image?.Config ?? {}, hostname);
  return {
    name: container.Name.replace(/^\//, ""),
    image: named?.Id === id ? written : id,
    config: overrides,
    hostConfig: hostConfigOverrides(host, info),
    endpoints: endpointOverrides(container),
  };
}

/** Returns the requested endpoints. The network mode's network needs no entry if it has no settings. */
function endpointOverrides({ HostConfig: host, NetworkSettings }: ContainerInspect): MadeContainer["endpoints"] {
  const all = Object.entries(NetworkSettings?.Networks ?? {}).map(([name, settings]): [string, EndpointSettings] => {
    const { Aliases, IPAMConfig, GwPriority } = settings;
    return [name, withoutEmpty({ Aliases, IPAMConfig, ...GwPriority ? { GwPriority } : {} })];
  });
  const [[name = "", settings = {}] = [], ...more] = all;
  const mode = host.NetworkMode === "default" ? "bridge" : host.NetworkMode;
  const isPlain = more.length === 0 && Object.keys(settings).length === 0 && (name === mode || all.length === 0);
  return isPlain ? undefined : Object.fromEntries(all);
}

/** Returns the default host name. With another container's network it is that container's, which can't be requested. */
function defaultHostname({ Id: id, HostConfig: host, Config: config }: ContainerInspect, hostName: string): string {
  if (host.NetworkMode?.startsWith("container:")) return config.Hostname ?? "";
  return host.NetworkMode === "host" ? hostName : id.slice(0, 12);
}

/** Returns an image, or undefined if it was removed by force: then all settings count as requested. */
async function imageIfExists(engine: Client, name: string): Promise<ImageInspect | undefined> {
  if (name === "") return undefined;
  try {
    return await engine.images.get(name).inspect();
  } catch (thrown) {
    if (toTsdError(thrown).meaning.http === 404) return undefined;
    throw thrown;
  }
}
