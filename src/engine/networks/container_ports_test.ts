import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { PortTarget } from "../../network/port.ts";
import { PortAllocator } from "../../network/port_allocator.ts";
import type { Container } from "../model/container.ts";
import { ContainerPorts } from "./container_ports.ts";
import type { Endpoint, Network } from "../model/network.ts";
import { PortMapper } from "./port_mapper.ts";

const NETWORK = { id: "n", name: "net", record: { driver: "bridge" } } as unknown as Network;

const endpoint = (address: string) => ({ containerId: "c", networkId: "n", lease: { address } }) as unknown as Endpoint;

Deno.test("a port leads to the container's address of now, and nowhere where it has none", async () => {
  const targets: PortTarget[] = [];
  const open = (_port: unknown, target: PortTarget) => {
    targets.push(target);
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
  };
  let endpoints: Endpoint[] = [];
  const ports = new ContainerPorts({
    publisher: new PortMapper({
      table: new PortAllocator([40_000, 40_009]),
      log: SILENT_LOG,
      gateways: () => [],
      open,
    }),
    table: { known: () => NETWORK },
    bindAddress: () => "127.0.0.1",
    endpointsOf: () => endpoints,
  });
  const hostConfig = { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } };
  const container = { id: "c", name: "c", record: { config: {}, hostConfig } } as unknown as Container;
  await ports.publish(container, [endpoint("172.17.0.2")]);
  assert.deepEqual(targets.map((target) => target.address()), [undefined]);
  for (const address of ["172.17.0.2", "172.17.0.9"]) {
    endpoints = [endpoint(address)];
    assert.equal(targets[0]!.address(), address);
  }
  endpoints = [];
  assert.equal(targets[0]!.address(), undefined);
});
