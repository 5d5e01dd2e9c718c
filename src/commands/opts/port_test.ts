import { strict as assert } from "node:assert";
import { portBindings } from "./port.ts";

Deno.test("-p is parsed in all its formats", () => {
  const cases: [string, Record<string, [string, string][]>][] = [
    ["80", { "80/tcp": [["", ""]] }],
    ["8080:80", { "80/tcp": [["", "8080"]] }],
    ["127.0.0.1:8080:80/udp", { "80/udp": [["127.0.0.1", "8080"]] }],
    ["127.0.0.1::80/SCTP", { "80/sctp": [["127.0.0.1", ""]] }],
    ["[::1]:8080:80", { "80/tcp": [["::1", "8080"]] }],
    ["8000-8001:80-81", { "80/tcp": [["", "8000"]], "81/tcp": [["", "8001"]] }],
    ["8000-8001:80", { "80/tcp": [["", "8000-8001"]] }],
    ["80-81", { "80/tcp": [["", ""]], "81/tcp": [["", ""]] }],
    ["published=8080,target=80,protocol=udp", { "80/udp": [["", "8080"]] }],
    ["target=80", { "80/tcp": [["", ""]] }],
  ];
  for (const [text, expected] of cases) {
    const map = Object.entries(expected).map((
      [port, list],
    ) => [port, list.map(([HostIp, HostPort]) => ({ HostIp, HostPort }))]);
    assert.deepEqual(portBindings([text]), Object.fromEntries(map), text);
  }
  assert.equal(portBindings(["8080:80", "8081:80"])["80/tcp"]!.length, 2);
});

Deno.test("-p: invalid values are refused with the docker CLI's messages", () => {
  const cases = [
    ["", "no port specified: <empty>"],
    ["8080:", "no port specified: 8080:<empty>"],
    ["x", "invalid containerPort: x"],
    ["70000", "invalid containerPort: 70000"],
    ["x:80", "invalid hostPort: x"],
    ["80/foo", "invalid proto: foo"],
    ["80-82:80-81", "invalid ranges specified for container and host Ports: 80-81 and 80-82"],
    ["host:80:80", "invalid IP address: host"],
    ["::1:80:80", "invalid IP address ::1: address ::1:: too many colons in address"],
    ["published=1,x", "invalid publish opts format (should be name=value but got 'x')"],
  ];
  for (const [text, message] of cases) assert.throws(() => portBindings([text!]), { message }, text);
});
