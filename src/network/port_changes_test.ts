import { strict as assert } from "node:assert";
import type { PortMap, PublishedPortName } from "../api_types/mod.ts";
import { changedPublishing, portUpdate, type Publishing } from "./port_changes.ts";
import type { PublishedPort } from "./port.ts";

const at = (hostIp: string, hostPort: number, containerPort = 80): PublishedPort => ({
  ...{ protocol: "tcp", containerPort, hostIp, hostPort },
});
const everywhere = (hostPort: number, containerPort = 80) =>
  ["0.0.0.0", "::"].map((ip) => at(ip, hostPort, containerPort));

function change(
  bindings: PortMap,
  published: readonly PublishedPort[] | undefined,
  add: PortMap,
  remove: readonly PublishedPortName[],
  more: Partial<Publishing> = {},
) {
  const before = { bindings, publishAll: false, exposed: Object.keys(bindings), ...more };
  return changedPublishing(before, published, portUpdate(add, remove)!);
}

const ONE = { HostIp: "", HostPort: "8080" };
const HOME = { HostIp: "127.0.0.1", HostPort: "8081" };

Deno.test("removing a port removes its binding on all addresses", () => {
  const published = [...everywhere(8080), at("127.0.0.1", 8081)];
  for (const name of [{ HostPort: "8080" }, { HostPort: "8000-8080" }, { HostIp: "::", HostPort: "8080" }]) {
    const after = change({ "80/tcp": [ONE, HOME] }, published, {}, [name]);
    assert.deepEqual(after.removed, everywhere(8080));
    assert.deepEqual(after.bindings, { "80/tcp": [HOME] });
  }
  const all = change({ "80/tcp": [ONE, HOME] }, published, {}, [{ ContainerPort: "80" }]);
  assert.deepEqual([all.removed, all.bindings, all.exposed], [published, {}, ["80/tcp"]]);
});

Deno.test("a port that isn't published can't be removed", () => {
  const refused = (name: PublishedPortName, message: RegExp | string) =>
    assert.throws(() => change({ "80/tcp": [ONE] }, everywhere(8080), {}, [name]), {
      code: "invalid_argument",
      message,
    });
  refused({ HostPort: "8082" }, "port 8082/tcp is not published");
  refused({ HostPort: "8080", Protocol: "udp" }, "port 8080/udp is not published");
  refused({ HostPort: "8080", ContainerPort: "81" }, "port 8080:81/tcp is not published");
  refused({ HostIp: "::1", HostPort: "8080" }, "port [::1]:8080/tcp is not published");
  refused({}, /needs a port/);
  refused({ HostPort: "x" }, /invalid port/);
});

Deno.test("random ports and ranges are matched to their bindings", () => {
  const bindings = { "80/tcp": [{ HostIp: "", HostPort: "" }, { HostIp: "", HostPort: "8000-8010" }] };
  const published = [...everywhere(32_768), ...everywhere(8000)];
  assert.deepEqual(change(bindings, published, {}, [{ HostPort: "32768" }]).bindings, {
    "80/tcp": [bindings["80/tcp"][1]],
  });
  assert.deepEqual(change(bindings, published, {}, [{ HostPort: "8000" }]).bindings, {
    "80/tcp": [bindings["80/tcp"][0]],
  });
  // The second binding of a stopped container is selected by its range only.
  assert.deepEqual(change(bindings, undefined, {}, [{ HostPort: "8005" }]).bindings, {
    "80/tcp": [bindings["80/tcp"][0]],
  });
  assert.throws(() => change(bindings, undefined, {}, [{ HostPort: "32768" }]), /is not published/);
});

Deno.test("ports published by PublishAllPorts get explicit bindings", () => {
  const more = { publishAll: true, exposed: ["80/tcp", "81/tcp"] };
  const published = [...everywhere(32_768), ...everywhere(32_769, 81)];
  const after = change({}, published, { "82/tcp": [{ HostIp: "", HostPort: "82" }] }, [{ HostPort: "32768" }], more);
  assert.deepEqual(after, {
    bindings: { "81/tcp": [{ HostIp: "", HostPort: "" }], "82/tcp": [{ HostIp: "", HostPort: "82" }] },
    publishAll: false,
    exposed: ["80/tcp", "81/tcp", "82/tcp"],
    removed: everywhere(32_768),
    added: [{ protocol: "tcp", containerPort: 82, hostIp: "", hostPorts: [82, 82] }],
  });
});

Deno.test("a port can be moved in one change; a duplicate is refused", () => {
  const moved = change({ "80/tcp": [ONE] }, everywhere(8080), { "81/tcp": [ONE] }, [{ HostPort: "8080" }]);
  assert.deepEqual(moved.bindings, { "81/tcp": [ONE] });
  assert.throws(() => change({ "80/tcp": [ONE] }, undefined, { "81/tcp": [ONE] }, []), {
    code: "port_in_use",
    message: "Bind for 0.0.0.0:8080 failed: port is already allocated",
  });
});
