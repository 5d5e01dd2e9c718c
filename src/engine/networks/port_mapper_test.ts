import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { PortTarget, PublishedPort, RequestedPort } from "../../network/port.ts";
import { PortBusy } from "../../network/port_sockets.ts";
import { PortAllocator } from "../../network/port_allocator.ts";
import { PortMapper } from "./port_mapper.ts";

const NOWHERE = () => undefined;

/** @param busy ports that other programs have */
function bench(...busy: string[]) {
  const open = new Set<string>();
  const shared = new Set<string>();
  const targets = new Map<string, PortTarget>();
  const holders: string[] = [];
  const table = new PortAllocator([40_000, 40_009]);
  const publisher = new PortMapper({
    table,
    log: SILENT_LOG,
    gateways: () => ["172.18.0.1", "fd00::1"],
    holders: ({ hostIp }) => holders.filter((each) => hostIp === "0.0.0.0" || each.includes(":")),
    open: ({ hostIp, hostPort }, target, isShared) => {
      const name = `${hostIp} ${hostPort}`;
      if (isShared) shared.add(name);
      if (busy.includes(name)) return Promise.reject(new PortBusy("address already in use"));
      assert.ok(!open.has(name), name);
      open.add(name);
      targets.set(name, target);
      return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(void open.delete(name)) });
    },
  });
  return { publisher, open, shared, holders, targets, table };
}

const port = (first: number, last = first, hostIp = ""): RequestedPort => ({
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
  const numbers = async (requested: RequestedPort) =>
    (await publisher.publish([requested], "172.17.0.2", NOWHERE)).ports.map(({ hostPort }) => hostPort);
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

const text = ({ hostIp, hostPort, containerPort }: PublishedPort) => `${hostIp} ${hostPort}:${containerPort}`;

Deno.test("an exchange: old and new ports are both there until it is settled, or the old ones only", async () => {
  const { publisher, open } = bench("0.0.0.0 8083");
  const all = await publisher.publish([port(8080), port(8081, 8081, "127.0.0.1")], "a", NOWHERE);
  const removed = all.ports.filter(({ hostPort }) => hostPort === 8080);
  const before = [...open];
  const failing = publisher.exchange(all, { removed, added: [port(8082), port(8083)] }, "a", NOWHERE);
  await assert.rejects(failing, /address already in use/);
  assert.deepEqual([...open], before);
  {
    await using exchange = await publisher.exchange(all, { removed, added: [port(8082)] }, "a", NOWHERE);
    assert.deepEqual([...open], [...before, "0.0.0.0 8082", ":: 8082"]);
    assert.deepEqual(exchange.both.map(text), [...all.ports, ...exchange.fresh.ports].map(text));
  }
  assert.deepEqual([...open], before);
  await using exchange = await publisher.exchange(all, { removed, added: [port(8082)] }, "a", NOWHERE);
  const after = ["127.0.0.1 8081:80", "0.0.0.0 8082:80", ":: 8082:80"];
  assert.deepEqual(exchange.after.map(text), after);
  await exchange.settle();
  assert.deepEqual([...open], ["127.0.0.1 8081", "0.0.0.0 8082", ":: 8082"]);
  assert.deepEqual(all.ports.map(text), after);
  await publisher.publish([port(8080)], "b", NOWHERE);
});

Deno.test("an exchange: a port that leads elsewhere keeps its socket", async () => {
  const { publisher, open, targets, table } = bench();
  const all = await publisher.publish([port(8080)], "a", NOWHERE);
  const added = [{ ...port(8080), containerPort: 81 }];
  const change = { removed: all.ports, added };
  {
    await using exchange = await publisher.exchange(all, change, "a", NOWHERE);
    assert.deepEqual(exchange.both.map(text), ["0.0.0.0 8080:80", ":: 8080:80"]);
  }
  await using exchange = await publisher.exchange(all, change, "a", NOWHERE);
  assert.equal(targets.get(":: 8080")?.port, 80);
  await exchange.settle();
  assert.equal(targets.get(":: 8080")?.port, 81);
  assert.deepEqual([all.ports.map(text), [...open]], [
    ["0.0.0.0 8080:81", ":: 8080:81"],
    ["0.0.0.0 8080", ":: 8080"],
  ]);
  await all[Symbol.asyncDispose]();
  assert.deepEqual([[...open], table.has({ protocol: "tcp", hostIp: "::", hostPort: 8080 })], [[], false]);
});

Deno.test("an exchange: on more addresses than before, the socket makes room, and comes back when it was in vain", async () => {
  const { publisher, open } = bench(":: 8080");
  const all = await publisher.publish([port(8080, 8080, "127.0.0.1")], "a", NOWHERE);
  const change = (hostIp: string) => ({ removed: all.ports, added: [port(8080, 8080, hostIp)] });
  await assert.rejects(publisher.exchange(all, change(""), "a", NOWHERE), /address already in use/);
  assert.deepEqual([...open], ["127.0.0.1 8080"]);
  await using exchange = await publisher.exchange(all, change("0.0.0.0"), "a", NOWHERE);
  await exchange.settle();
  assert.deepEqual([...open], ["0.0.0.0 8080"]);
});

Deno.test("an exchange: a container that ends meanwhile leaves nothing open, and nobody's port is given back twice", async () => {
  const { publisher, open, table } = bench();
  const has = (hostPort: number) => table.has({ protocol: "tcp", hostIp: "127.0.0.1", hostPort });
  const own = (hostPort: number) => port(hostPort, hostPort, "127.0.0.1");
  for (const isSettled of [true, false]) {
    const all = await publisher.publish([own(8080)], "a", NOWHERE);
    await using exchange = await publisher.exchange(all, { removed: all.ports, added: [own(8081)] }, "a", NOWHERE);
    await all[Symbol.asyncDispose]();
    // Somebody else's by now.
    const others = await publisher.publish([own(8080)], "b", NOWHERE);
    await (isSettled ? exchange.settle() : exchange[Symbol.asyncDispose]());
    assert.deepEqual([[...open], has(8080), has(8081)], [["127.0.0.1 8080"], true, false]);
    await others[Symbol.asyncDispose]();
  }
});

Deno.test("an exchange: what made room doesn't come back for a container that has ended", async () => {
  const { publisher, open } = bench();
  const all = await publisher.publish([port(8080, 8080, "127.0.0.1")], "a", NOWHERE);
  const added = [port(8080, 8080, "0.0.0.0")];
  await using exchange = await publisher.exchange(all, { removed: all.ports, added }, "a", NOWHERE);
  await all[Symbol.asyncDispose]();
  await exchange.settle();
  assert.deepEqual([...open], []);
});
