import { strict as assert } from "node:assert";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

Deno.test("update: sends only given settings to each container, and prints warnings to standard output", async () => {
  const engine = new FakeEngine(() => ({ json: { Warnings: ["a warning"] } }));
  const argv = "update -m 1g --memory-swap -1 --cpus 1.5 --pids-limit -1 --restart on-failure:3 web db".split(" ");
  assert.deepEqual(await callTsd(engine, argv), { code: 0, out: "web\ndb\na warning\na warning\n", err: "" });
  const body = {
    Memory: 1 << 30,
    MemorySwap: -1,
    NanoCpus: 1.5e9,
    PidsLimit: -1,
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
  };
  assert.deepEqual(engine.requests.map(({ method, path, body }) => [method, path, body]), [
    ["POST", "/containers/web/update", body],
    ["POST", "/containers/db/update", body],
  ]);
});

Deno.test("update: ports are published and unpublished", async () => {
  const engine = new FakeEngine(() => ({ json: { Warnings: [] } }));
  const update = async (...words: string[]) => await callTsd(engine, ["update", ...words, "web"]);
  const names = ["8080", "127.0.0.1:8081/udp", "[::1]:8082:80", ":53", "9000-9010:90"];
  await update("--publish-add", "8081:80", ...names.flatMap((name) => ["--publish-rm", name]));
  assert.deepEqual(engine.requests.map(({ body }) => body), [{
    PublishAdd: { "80/tcp": [{ HostIp: "", HostPort: "8081" }] },
    PublishRemove: [
      { HostPort: "8080", Protocol: "tcp" },
      { HostIp: "127.0.0.1", HostPort: "8081", Protocol: "udp" },
      { HostIp: "::1", HostPort: "8082", ContainerPort: "80", Protocol: "tcp" },
      { ContainerPort: "53", Protocol: "tcp" },
      { HostPort: "9000-9010", ContainerPort: "90", Protocol: "tcp" },
    ],
  }]);
  for (const bad of ["", "web", "8080/icmp", "99999", "1.2.3.4", "256.1.1.1:80"]) {
    assert.equal((await update("--publish-rm", bad)).code, 125, bad);
  }
});

Deno.test("update: no flags, and unsupported flags, are refused", async () => {
  const engine = new FakeEngine(() => assert.fail("nothing is asked"));
  assert.deepEqual(await callTsd(engine, ["update", "web"]), {
    code: 1,
    out: "",
    err: "you must provide one or more flags when using this command\n",
  });
  const { code, err } = await callTsd(engine, ["update", "--kernel-memory", "1m", "web"]);
  assert.deepEqual([code, err.split("\n")[0]], [
    125,
    "--kernel-memory is not supported: the kernel has no such limit any more",
  ]);
});
