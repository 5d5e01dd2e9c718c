/** Converts networks to the types of the Engine API. */
import type { AddressPool, Endpoint, Network } from "../../engine/model/network.ts";
import type { IPAMConfig, Network as WireNetwork, NetworkContainer } from "../../api_types/mod.ts";
import { timestamp } from "./container_view.ts";

/**
 * Returns the body of `GET /networks/{id}`.
 * @param users endpoints of running containers, with the containers' names
 */
export function networkView(
  { id, name, createdMs, record }: Network,
  users: readonly { readonly endpoint: Endpoint; readonly containerName: string }[],
): WireNetwork {
  const { driver, six, internal = false, attachable = false, options, labels } = record;
  const config = [record, six ?? {}].flatMap(poolView);
  return {
    Name: name,
    Id: id,
    Created: timestamp(createdMs),
    Scope: "local",
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: six !== undefined,
    IPAM: { Driver: "default", Options: driver === "bridge" && name !== "bridge" ? {} : null, Config: config },
    Internal: internal,
    Attachable: attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(users.map((user) => [user.endpoint.containerId, endpointView(user)])),
    Options: options ?? {},
    Labels: labels ?? {},
  };
}

const poolView = ({ subnet, range, gateway, auxiliary }: AddressPool): IPAMConfig[] =>
  subnet === undefined ? [] : [{
    Subnet: subnet,
    ...range !== undefined && { IPRange: range },
    ...gateway !== undefined && { Gateway: gateway },
    ...auxiliary !== undefined && { AuxiliaryAddresses: auxiliary },
  }];

function endpointView(
  { endpoint: { lease }, containerName }: { readonly endpoint: Endpoint; readonly containerName: string },
): NetworkContainer {
  return {
    Name: containerName,
    EndpointID: lease.endpointId,
    MacAddress: lease.mac,
    IPv4Address: `${lease.address}/${lease.prefix}`,
    IPv6Address: lease.six === undefined ? "" : `${lease.six.address}/${lease.six.prefix}`,
  };
}
