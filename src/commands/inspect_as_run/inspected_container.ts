/** A container that is there as a request that would make it again: what was asked for, on the image that it has. */
import type {
  ContainerConfig,
  ContainerInspect,
  EndpointSettings,
  HostConfig,
  ImageInspect,
} from "../../api_types/mod.ts";
import { inspectImage } from "../../client/images.ts";
import { engineInfo } from "../../client/system.ts";
import type { EngineTransport } from "../../client/transport.ts";
import { toTsdError } from "../../errors.ts";
import { configOverrides, withoutEmpty } from "./config_overrides.ts";
import { hostConfigOverrides } from "./host_config_overrides.ts";

export interface MadeContainer {
  readonly name: string;
  /** The reference as it was written, where that is still the same image; else the image's id. */
  readonly image: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What was asked for in networks, by name, where that is more than the one of the host configuration. */
  readonly endpoints?: Readonly<Record<string, EndpointSettings>> | undefined;
}

/** What inspect shows of a container, and what else has to be known of its engine, as a request. */
export async function madeContainer(engine: EngineTransport, container: ContainerInspect): Promise<MadeContainer> {
  const { Config: config, HostConfig: host, Image: id } = container;
  const info = await engineInfo(engine);
  const written = config.Image ?? "";
  const named = await imageIfExists(engine, written);
  const image = named?.Id === id ? named : await imageIfExists(engine, id);
  const hostname = usualHostname(container, info.Name);
  const { Image: _, ...own } = configOverrides(config, image?.Config ?? {}, hostname);
  return {
    name: container.Name.replace(/^\//, ""),
    image: named?.Id === id ? written : id,
    config: own,
    hostConfig: hostConfigOverrides(host, info),
    endpoints: endpointOverrides(container),
  };
}

/** The one of the mode goes without saying. */
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

/** With another one's network it has that one's name, which can't be asked for. */
function usualHostname({ Id: id, HostConfig: host, Config: config }: ContainerInspect, hostName: string): string {
  if (host.NetworkMode?.startsWith("container:")) return config.Hostname ?? "";
  return host.NetworkMode === "host" ? hostName : id.slice(0, 12);
}

/** An image may have been removed by force: then everything counts as the container's own. */
async function imageIfExists(engine: EngineTransport, name: string): Promise<ImageInspect | undefined> {
  if (name === "") return undefined;
  try {
    return await inspectImage(engine, name);
  } catch (thrown) {
    if (toTsdError(thrown).meaning.http === 404) return undefined;
    throw thrown;
  }
}
