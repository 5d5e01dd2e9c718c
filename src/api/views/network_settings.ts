/**
 * @module
 * Converts a container's endpoints to the types of the Engine API.
 */
import type { Container, RequestedEndpoint } from "../../engine/model/container.ts";
import type { EndpointState } from "../../engine/model/network.ts";
import type { EndpointSettings, NetworkSettings, PortBinding, PortMap, PortSummary } from "../../api_types/mod.ts";

/** Settings of an endpoint without addresses. */
const NO_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

/** Returns a container's endpoints by network name. */
export function networks({ endpoints }: EndpointState): Record<string, EndpointSettings> {
  return Object.fromEntries(endpoints.map((one) => [one.network.name, endpoint(one)]));
}

function endpoint({ network, lease, requested, names }: EndpointState["endpoints"][number]): EndpointSettings {
  // The network's id is shown before a start if the network needs no addresses, else once they are allocated.
  const isKnown = lease !== undefined || network.record.driver !== "bridge";
  return {
    ...NO_ENDPOINT,
    NetworkID: isKnown ? network.id : "",
    ...(requested.address !== undefined || requested.six !== undefined) &&
      { IPAMConfig: requestedAddresses(requested) },
    ...requested.aliases !== undefined && { Aliases: requested.aliases },
    ...requested.priority !== undefined && { GwPriority: requested.priority },
    ...lease && {
      MacAddress: lease.mac,
      EndpointID: lease.endpointId,
      Gateway: lease.gateway,
      IPAddress: lease.address,
      IPPrefixLen: lease.prefix,
      ...lease.six && {
        IPv6Gateway: lease.six.gateway,
        GlobalIPv6Address: lease.six.address,
        GlobalIPv6PrefixLen: lease.six.prefix,
      },
      DNSNames: names === undefined ? null : [...names],
    },
  };
}

const requestedAddresses = ({ address, six }: RequestedEndpoint) => ({
  ...address !== undefined && { IPv4Address: address },
  ...six !== undefined && { IPv6Address: six },
});

/** Returns the `NetworkSettings` of inspect. The legacy top-level fields repeat those of the default bridge. */
export function networkSettings(container: Container, info: EndpointState): NetworkSettings {
  const { sandbox, endpoints } = info;
  const bridge = endpoints.find(({ network }) => network.name === "bridge");
  const first = bridge === undefined ? NO_ENDPOINT : endpoint(bridge);
  const { EndpointID = "", Gateway = "", IPAddress = "", IPPrefixLen = 0, MacAddress = "" } = first;
  return {
    Bridge: "",
    SandboxID: sandbox?.id ?? "",
    SandboxKey: sandbox?.path ?? "",
    Ports: sandbox === undefined ? {} : portMap(container, sandbox.ports),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID,
    Gateway,
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress,
    IPPrefixLen,
    IPv6Gateway: "",
    MacAddress,
    Networks: networks(info),
  };
}

type Published = NonNullable<EndpointState["sandbox"]>["ports"];

/** Returns the published ports, and exposed ones as null. */
function portMap({ record }: Container, ports: Published): PortMap {
  const map: Record<string, PortBinding[] | null> = {};
  for (const name of Object.keys(record.config.ExposedPorts ?? {})) map[fullName(name)] = null;
  for (const { containerPort, protocol, hostIp, hostPort } of ports) {
    const bindings = map[`${containerPort}/${protocol}`] ??= [];
    bindings.push({ HostIp: hostIp, HostPort: String(hostPort) });
  }
  return map;
}

/** Returns the published and exposed ports of a running container. */
export function portSummaries({ record }: Container, { sandbox }: EndpointState): PortSummary[] {
  if (sandbox === undefined) return [];
  const published = sandbox.ports.map(({ hostIp, containerPort, hostPort, protocol }): PortSummary => ({
    IP: hostIp,
    PrivatePort: containerPort,
    PublicPort: hostPort,
    Type: protocol,
  }));
  const publishedNames = new Set(published.map(({ PrivatePort, Type }) => `${PrivatePort}/${Type}`));
  const exposed = Object.keys(record.config.ExposedPorts ?? {}).map(fullName).filter((name) =>
    !publishedNames.has(name)
  );
  return [
    ...exposed.map((name): PortSummary => {
      const [port, type] = name.split("/");
      return { PrivatePort: Number(port), Type: type as PortSummary["Type"] };
    }),
    ...published,
  ];
}

const fullName = (name: string): string => name.includes("/") ? name : `${name}/tcp`;
