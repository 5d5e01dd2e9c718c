import { strict as assert } from "node:assert";
import { networkKind, networkWarnings, refuseNetworkConflicts } from "./network_mode.ts";

Deno.test("kinds of networks by Docker's modes", () => {
  for (const mode of [undefined, "", "default", "bridge"]) assert.equal(networkKind({ NetworkMode: mode! }), "bridge");
  assert.deepEqual(["host", "none", "container:x"].map((mode) => networkKind({ NetworkMode: mode })), [
    "host",
    "none",
    "container",
  ]);
  assert.equal(networkKind({ NetworkMode: "mine" }), "named");
  assert.throws(() => networkKind({ NetworkMode: "container:" }), /^TsdError: invalid container format/);
});

Deno.test("options that another container's network excludes are refused", () => {
  const host = { NetworkMode: "container:x" };
  const refused = (message: string, run: () => void) =>
    assert.throws(run, { message: `conflicting options: ${message}` });
  refused("hostname and the network mode", () => refuseNetworkConflicts({ Hostname: "h" }, host));
  refused("dns and the network mode", () => refuseNetworkConflicts({}, { ...host, Dns: ["192.0.2.1"] }));
  const publishing = "port publishing and the container type network mode";
  refused(publishing, () => refuseNetworkConflicts({}, { ...host, PublishAllPorts: true }));
  refused(
    publishing,
    () => refuseNetworkConflicts({ ExposedPorts: { "80/tcp": {} } }, { ...host, PortBindings: { "80/tcp": [] } }),
  );
  refused(
    "port exposing and the container type network mode",
    () => refuseNetworkConflicts({ ExposedPorts: { "80/tcp": {} } }, host),
  );
  refuseNetworkConflicts({}, host);
  refuseNetworkConflicts({ Hostname: "h" }, { NetworkMode: "bridge" });
});

Deno.test("published ports with the host's network give a warning", () => {
  assert.deepEqual(networkWarnings({ NetworkMode: "host", PublishAllPorts: true }), [
    "Published ports are discarded when using host network mode",
  ]);
  assert.deepEqual([networkWarnings({ NetworkMode: "host" }), networkWarnings({ PublishAllPorts: true })], [[], []]);
});
