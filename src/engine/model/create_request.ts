/**
 * @module
 * Decodes and validates the body of `POST /containers/create`: first the types, then what this version does not
 * support. A field either has an effect or is refused with a reason, unless it is empty (the docker CLI sends 2 KB of
 * empty fields).
 */
import type { ContainerConfig, ContainerCreateRequest, EndpointSettings, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type Decoded, isObject, type Shape } from "../../json/decode.ts";
import { checkHealthcheck } from "./health_config.ts";
import { ENDPOINT_SHAPE, requestedEndpoint } from "./endpoint_request.ts";
import { hasBridge, modeNetwork, networkKind, refuseNetworkConflicts } from "./network_mode.ts";
import { decodeRequest, isEmpty } from "./request_schemas.ts";
import type { RequestedEndpoint } from "./container.ts";
import { CONFIG_SHAPE, HOST_SHAPE } from "./container_schemas.ts";
import { parseRestartPolicy } from "./restart_policy.ts";

/** Unsupported fields, each with the text before "is not supported yet". */
const REFUSED_CONFIG: { readonly [K in keyof ContainerConfig]?: string } = {
  NetworkDisabled: "NetworkDisabled (use --network none), which",
};

const REFUSED_HOST: { readonly [K in keyof HostConfig]?: string } = {
  Links: "--link",
  StorageOpt: "--storage-opt",
  DeviceRequests: "--gpus",
  Cgroup: "a shared cgroup",
  CpuRealtimePeriod: "--cpu-rt-period",
  CpuRealtimeRuntime: "--cpu-rt-runtime",
  KernelMemory: "--kernel-memory",
  KernelMemoryTCP: "a limit on the kernel's TCP memory",
  CpuCount: "--cpu-count",
  CpuPercent: "--cpu-percent",
  IOMaximumIOps: "--io-maxiops",
  IOMaximumBandwidth: "--io-maxbandwidth",
};

/** The fields of the body besides the container's configuration. */
const PARTS_SHAPE: Shape<Omit<ContainerCreateRequest, keyof ContainerConfig>> = {
  HostConfig: { pointer: { object: HOST_SHAPE } },
  NetworkingConfig: { pointer: { object: { EndpointsConfig: { map: { object: ENDPOINT_SHAPE } } } } },
};

/** A validated request. */
export interface CreateRequest {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What is requested of each network; undefined if the container has no network of its own. */
  readonly networks: Readonly<Record<string, RequestedEndpoint>> | undefined;
}

/** Parses the body of a creation request. @throws {TsdError} invalid_argument, not_implemented */
export function parseCreateRequest(body: unknown): CreateRequest {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  if (body !== null && !isObject(body)) throw invalid("invalid JSON: the configuration must be an object");
  if (isEmpty(body)) throw invalid("config cannot be empty in order to create a container");
  const config: ContainerConfig = decodeRequest(body, CONFIG_SHAPE, { path: "Config" });
  const { HostConfig: host = {}, NetworkingConfig: networking } = decodeRequest(body, PARTS_SHAPE);
  // Items of its lists may lack fields that the API type requires; readers treat them as empty.
  const hostConfig = host as HostConfig;
  refuse(config, REFUSED_CONFIG);
  refuse(hostConfig, REFUSED_HOST);
  refuseContradictions(config, hostConfig);
  refuseNetworkConflicts(config, hostConfig);
  refuseCgroupParent(hostConfig);
  parseRestartPolicy(hostConfig);
  checkHealthcheck(config.Healthcheck);
  const { MacAddress, ...others } = config;
  const networks = requestedNetworksOf(hostConfig, networking?.EndpointsConfig);
  return {
    ...{ config: others, hostConfig },
    networks: MacAddress ? withMac(networks, MacAddress, hostConfig) : networks,
  };
}

const invalid = (message: string) => new TsdError("invalid_argument", message);

function refuse<T>(value: T, refused: { readonly [K in keyof T]?: string }): void {
  for (const [name, words] of Object.entries(refused)) {
    if (!isEmpty(value[name as keyof T])) {
      throw new TsdError("not_implemented", `Cannot create the container: ${words} is not supported yet`);
    }
  }
}

/**
 * Refuses contradictory fields, with Docker's texts. Only a hostname that the caller gave counts.
 * @throws {TsdError} invalid_argument
 */
function refuseContradictions({ Hostname }: ContainerConfig, { UTSMode, Isolation = "" }: HostConfig): void {
  if (UTSMode === "host" && Hostname) {
    throw new TsdError("invalid_argument", "conflicting options: hostname and the UTS mode");
  }
  if (!["", "default"].includes(Isolation.toLowerCase())) {
    throw new TsdError("invalid_argument", `invalid isolation (${Isolation}): linux only supports 'default'`);
  }
}

/**
 * Maximum length of a directory's name, and of a parent path that leaves room for what precedes and follows it, in
 * bytes.
 */
const [MAX_NAME_BYTES, MAX_PARENT_BYTES] = [255, 2048];

/**
 * Refuses a parent cgroup that could not be created, and whose container could not be removed either.
 * @throws {TsdError} invalid_argument
 */
function refuseCgroupParent({ CgroupParent: parent = "" }: HostConfig): void {
  const bytesOf = (text: string) => new TextEncoder().encode(text).length;
  if (bytesOf(parent) <= MAX_PARENT_BYTES && parent.split("/").every((name) => bytesOf(name) <= MAX_NAME_BYTES)) return;
  throw invalid(`invalid cgroup parent: ${parent.slice(0, 40)}…: the name is too long`);
}

/**
 * Moves the container's MAC address, which older clients send, to the network of its mode.
 * @throws {TsdError} invalid_argument, with Docker's texts
 */
function withMac(
  networks: Record<string, RequestedEndpoint> | undefined,
  text: string,
  host: HostConfig,
): Record<string, RequestedEndpoint> {
  if (networks === undefined) throw invalid("conflicting options: mac-address and the network mode");
  const name = modeNetwork(host);
  const own = networks[name] ?? {};
  const { mac } = requestedEndpoint({ MacAddress: text });
  if (own.mac !== undefined && own.mac !== mac) {
    throw invalid(
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  }
  return { ...networks, [name]: { ...own, ...mac !== undefined && { mac } } };
}

const hasAddress = ({ address, six }: RequestedEndpoint): boolean => address !== undefined || six !== undefined;

/**
 * Returns the endpoints of the request and of its network mode.
 * @throws {TsdError} invalid_argument, not_implemented, with Docker's texts
 */
function requestedNetworksOf(
  host: HostConfig,
  endpoints: Readonly<Record<string, Decoded<EndpointSettings> | null>> = {},
): Record<string, RequestedEndpoint> | undefined {
  const requested = Object.entries(endpoints).map(([name, settings]): [string, RequestedEndpoint] => [
    name === "default" ? "bridge" : name,
    requestedEndpoint(settings),
  ]);
  if (!hasBridge(networkKind(host))) {
    const other = requested.find(([name, requested]) => name !== host.NetworkMode || hasAddress(requested));
    if (other === undefined) return undefined;
    throw invalid(`conflicting options: a container with the network ${host.NetworkMode} can't be in ${other[0]} too`);
  }
  const own = requested.find(([name]) => name === "bridge")?.[1] ?? {};
  const refuseOnBridge = (what: string) =>
    invalid(`invalid config for network bridge: invalid endpoint settings:\n${what}`);
  if (hasAddress(own)) {
    throw refuseOnBridge("user specified IP address is supported on user defined networks only");
  }
  if (own.aliases !== undefined) {
    throw refuseOnBridge("network-scoped aliases are only supported for user-defined networks");
  }
  return { [modeNetwork(host)]: {}, ...Object.fromEntries(requested) };
}
