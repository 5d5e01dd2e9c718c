import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { PublishedPort, RequestedPort } from "../../network/port.ts";
import { PortAllocator } from "../../network/port_allocator.ts";
import type { Container } from "../model/container.ts";
import { ContainerPorts } from "./container_ports.ts";
import type { Endpoint, Network, Sandbox } from "../model/network.ts";
import type { NetworkState } from "./network_state.ts";
import { PortMapper } from "./port_mapper.ts";
import { PublishedPorts } from "./published_ports.ts";

const ENDPOINT = { containerId: "c", networkId: "n", lease: { address: "172.17.0.2" } } as unknown as Endpoint;
const hostConfig = { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] } };
const CONTAINER = { id: "c", name: "c", record: { config: {}, hostConfig } } as unknown as Container;
const ADDED: RequestedPort = { protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", hostPorts: [8081, 8081] };

const numbers = (ports: readonly PublishedPort[] = []) => ports.map(({ hostPort }) => hostPort);

/** A container that publishes 8080, about to have 8081 instead. */
async function bench() {
  const sandboxes = new Map<string, Sandbox>();
  const open = new Set<number>();
  const saved: number[][] = [];
  const made = { whileStarting: () => Promise.resolve(), whileRuling: () => Promise.resolve() };
  const ports = new ContainerPorts({
    publisher: new PortMapper({
      ...{ table: new PortAllocator([40_000, 40_009]), log: SILENT_LOG, gateways: () => [] },
      open: async ({ hostPort }) => {
        await made.whileStarting();
        open.add(hostPort);
        return { [Symbol.asyncDispose]: () => Promise.resolve(void open.delete(hostPort)) };
      },
    }),
    table: { known: () => ({ id: "n", name: "net", record: { driver: "bridge" } }) as unknown as Network },
    bindAddress: () => "",
    endpointsOf: () => [ENDPOINT],
  });
  const state = {
    sandboxes,
    ruleset: () => ({ ports: [] }),
    rules: { update: () => made.whileRuling(), settle: () => Promise.resolve() },
    forget: () => Promise.resolve(),
  } as unknown as NetworkState;
  const records = { saveSandbox: (_: string, sandbox: Sandbox) => void saved.push(numbers(sandbox.ports)) };
  const published = new PublishedPorts({ state, ports, records });
  const removed = await ports.publish(CONTAINER, [ENDPOINT]);
  sandboxes.set("c", { id: "s", path: "/run/s", ports: removed });
  const change = () => published.change(CONTAINER, { removed, added: [ADDED] });
  const close = () => published.close("c");
  const info = () => ({ shown: numbers(sandboxes.get("c")?.ports), open: [...open], saved });
  return Object.assign(made, { change, close, info, ports });
}

const NOTHING = { shown: [], open: [], saved: [] };

Deno.test("a change of ports: there at once, recorded once it is settled, and gone with the container", async () => {
  const it = await bench();
  {
    await using _dropped = await it.change();
    assert.deepEqual(it.info(), { shown: [8080, 8081], open: [8080, 8081], saved: [] });
  }
  assert.deepEqual(it.info(), { shown: [8080], open: [8080], saved: [] });
  await using change = await it.change();
  await change!.settle();
  assert.deepEqual(it.info(), { shown: [8081], open: [8081], saved: [[8081]] });
  await it.close();
  assert.deepEqual(it.info(), { ...NOTHING, saved: [[8081]] });
});

Deno.test("a change of ports: the container ends before it is settled, or dropped", async () => {
  for (const isSettled of [true, false]) {
    const it = await bench();
    {
      await using change = await it.change();
      await it.close();
      if (isSettled) await change!.settle();
    }
    assert.deepEqual(it.info(), NOTHING);
  }
});

Deno.test("a change of ports: the container ends while sockets or rules are made", async () => {
  const opening = await bench();
  opening.whileStarting = () => opening.close();
  assert.equal(await opening.change(), undefined);
  assert.deepEqual(opening.info(), NOTHING);
  const ruling = await bench();
  ruling.whileRuling = async () => {
    await ruling.close();
    throw new Error("no rules");
  };
  await assert.rejects(ruling.change(), /no rules/);
  assert.deepEqual(ruling.info(), NOTHING);
});

Deno.test("a change of ports: an engine that leaves meanwhile records it for the next one, and holds no sockets", async () => {
  const it = await bench();
  await using change = await it.change();
  await it.ports.leave();
  await change!.settle();
  assert.deepEqual(it.info(), { shown: [8081], open: [], saved: [[8081]] });
});

Deno.test("a change of ports: the container ends while it is being settled", async () => {
  const it = await bench();
  await using change = await it.change();
  await Promise.all([change!.settle(), it.close()]);
  assert.deepEqual(it.info(), { ...NOTHING, saved: [[8081]] });
});
