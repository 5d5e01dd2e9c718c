import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { WantedPort } from "../../network/port.ts";
import { PortBusy } from "../../network/port_sockets.ts";
import { PortTable } from "../../network/port_table.ts";
import { PortPublisher } from "./port_publisher.ts";

const NOWHERE = () => undefined;

/** @param busy ports that other programs have */
function bench(...busy: string[]) {
  const open = new Set<string>();
  const shared = new Set<string>();
  const holders: string[] = [];
  const publisher = new PortPublisher({
    table: new PortTable([40_000, 40_009]),
    log: SILENT_LOG,
    gateways: () => ["172.18.0.1", "fd00::1"],
    holders: ({ hostIp }) => holders.filter((each) => hostIp === "0.0.0.0" || each.includes(":")),
    open: ({ hostIp, hostPort }, _target, _log, isShared) => {
      const name = `${hostIp} ${hostPort}`;
      if (isShared) shared.add(name);
      if (busy.includes(name)) return Promise.reject(new PortBusy("address already in use"));
      open.add(name);
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(void open.delete(name)) });
    },
  });
  return { publisher, open, shared, holders };
}

const port = (first: number, last = first, hostIp = ""): WantedPort => ({
  ...{ protocol: "tcp", containerPort: 80, hostIp, hostPorts: [first, last] },
});

Deno.test("ports are held on both versions, and given back", async () => {
  const { publisher, open } = bench();
  const published = await publisher.publish([port(8080), port(0, 0, "127.0.0.1")], "172.17.0.2", NOWHERE);
  assert.deepEqual([...open], ["0.0.0.0 8080", ":: 8080", "127.0.0.1 40000"]);
  assert.deepEqual(published.ports.map(({ hostPort }) => hostPort), [8080, 8080, 40_000]);
  await published[Symbol.asyncDispose]();
  assert.deepEqual([...open], []);
  await publisher.publish([port(8080)], "172.17.0.3", NOWHERE);
});

Deno.test("all or none: what can't be had gives back what was taken", async () => {
  const { publisher, open } = bench(":: 8081");
  await assert.rejects(publisher.publish([port(8080), port(8081)], "172.17.0.2", NOWHERE), {
    code: "port_in_use",
    message: "failed to bind host port for 0.0.0.0:8081:172.17.0.2:80/tcp: address already in use",
  });
  assert.deepEqual([...open], []);
  await publisher.publish([port(8080)], "172.17.0.2", NOWHERE);
  await assert.rejects(publisher.publish([port(8080)], "172.17.0.3", NOWHERE), {
    message: "Bind for 0.0.0.0:8080 failed: port is already allocated",
  });
});

Deno.test("of several, one that no other program has", async () => {
  const { publisher } = bench("0.0.0.0 8000", ":: 8001", "0.0.0.0 40000");
  const numbers = async (wanted: WantedPort) =>
    (await publisher.publish([wanted], "172.17.0.2", NOWHERE)).ports.map(({ hostPort }) => hostPort);
  assert.deepEqual(await numbers(port(8000, 8003)), [8002, 8002]);
  assert.deepEqual(await numbers(port(0)), [40_001, 40_001]);
});

Deno.test("a former engine's ports are its container's, also where a socket can't be had", async () => {
  const { publisher, open } = bench("0.0.0.0 8080");
  const ports = ["0.0.0.0", "::"].map((hostIp) => ({ ...port(0), hostIp, hostPort: 8080 }));
  await publisher.again(ports, () => "172.17.0.2");
  assert.deepEqual([...open], [":: 8080"]);
  await assert.rejects(publisher.publish([port(8080)], "172.17.0.3", NOWHERE), /port is already allocated/);
});

Deno.test("the port of names is shared with our own bridges, and with nobody else", async () => {
  const { publisher, open, shared, holders } = bench();
  holders.push("172.18.0.1", "fd00::1");
  const published = await publisher.publish([port(53), port(80)], "a", NOWHERE);
  assert.deepEqual([...open], ["0.0.0.0 53", ":: 53", "0.0.0.0 80", ":: 80"]);
  assert.deepEqual([...shared], ["0.0.0.0 53", ":: 53"]);
  await published[Symbol.asyncDispose]();
  for (const other of ["127.0.0.53", "::"]) {
    holders.push(other);
    await assert.rejects(
      publisher.publish([port(53)], "a", NOWHERE),
      /0\.0\.0\.0:53:a:80\/tcp: address already in use/,
    );
    await assert.rejects(publisher.publish([port(53, 53, "0.0.0.0")], "a", NOWHERE), /address already in use/);
    holders.pop();
  }
  assert.deepEqual([...open], []);
});
