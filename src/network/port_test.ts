import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { requestedPorts } from "./port.ts";
import { localPortRange, PortAllocator } from "./port_allocator.ts";

const ask = (
  bindings: Record<string, { HostIp: string; HostPort: string }[] | null>,
  exposed: string[] = [],
  publishAll = false,
) => requestedPorts({ bindings, exposed, publishAll });
const at = (HostPort: string, HostIp = "") => [{ HostIp, HostPort }];

Deno.test("requested ports: numbers, ranges, addresses, any; exposed ones only with publishAll", () => {
  assert.deepEqual(
    ask({ "80/tcp": at("8080"), "53/udp": at("", "[::1]"), "9/sctp": at("9000-9010", "127.0.0.1"), "7": null }),
    [
      { protocol: "sctp", containerPort: 9, hostIp: "127.0.0.1", hostPorts: [9000, 9010] },
      { protocol: "udp", containerPort: 53, hostIp: "::1", hostPorts: [0, 0] },
      { protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: [8080, 8080] },
    ],
  );
  const numbers = (publishAll: boolean) =>
    ask({ "80": at("1") }, ["80/tcp", "443/tcp"], publishAll).map(({ containerPort }) => containerPort);
  assert.deepEqual([numbers(false), numbers(true)], [[80], [80, 443]]);
});

Deno.test("an invalid port is refused", () => {
  for (
    const [name, port, ip] of [["x/tcp", "1"], ["80/foo", "1"], ["0/tcp", "1"], ["80", "70000"], ["80", "9-8"], [
      "80",
      "1",
      "host",
    ]]
  ) {
    assert.throws(
      () => ask({ [name!]: at(port!, ip) }),
      (thrown) => isTsdError(thrown, "invalid_argument"),
      `${name} ${port}`,
    );
  }
});

const clashes = (table: PortAllocator, port: string, ip = "", message = /./) =>
  assert.throws(
    () => table.take(ask({ "80/tcp": at(port, ip) })[0]!),
    (thrown) => isTsdError(thrown, "port_in_use") && message.test(thrown.message),
  );

Deno.test("a port is allocated once for each address; the wildcard conflicts with every address", () => {
  const table = new PortAllocator([40_000, 40_002]);
  const take = (port: string, ip = "") => table.take(ask({ "80/tcp": at(port, ip) })[0]!);
  const taken = take("8080");
  assert.deepEqual(taken.map(({ hostIp, hostPort }) => [hostIp, hostPort]), [["0.0.0.0", 8080], ["::", 8080]]);
  clashes(table, "8080", "", /^Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/);
  clashes(table, "8080", "127.0.0.1", /^Bind for 127\.0\.0\.1:8080 failed: port is already allocated$/);
  clashes(table, "8080", "::1", /^Bind for \[::1\]:8080 failed/);
  for (const port of taken) table.free(port);
  take("8080", "127.0.0.1");
  take("8080", "127.0.0.2");
  take("8080", "::1");
  clashes(table, "8080", "0.0.0.0");
  assert.equal(table.take(ask({ "80/udp": at("8080") })[0]!)[0]!.hostPort, 8080);
});

Deno.test("any port: allocated in order, skipping those in use, wrapping around at the end", () => {
  const table = new PortAllocator(localPortRange("40000\t40003\n"));
  const any = (skip: number[] = []) => table.take(ask({ "80/tcp": at("") })[0]!, new Set(skip));
  table.keep({ protocol: "tcp", containerPort: 1, hostIp: "0.0.0.0", hostPort: 40_001 });
  const [first] = [any(), any([40_002])];
  assert.equal(first[0]!.hostPort, 40_000);
  for (const port of first) table.free(port);
  assert.equal(any()[0]!.hostPort, 40_000);
  assert.equal(any()[0]!.hostPort, 40_002);
  clashes(table, "", "", /^all ports are allocated$/);
  clashes(table, "40000-40003", "", /^Bind for 0\.0\.0\.0:40000-40003 failed: all ports are allocated$/);
  assert.deepEqual(localPortRange(undefined), [32_768, 60_999]);
});
