/** `update --publish-add` and `--publish-rm`: ports of existing containers, running or not. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { answer, freePorts, listens, refused, serve } from "./traffic.ts";

const portsOf = async (fixture: Fixture, name: string) => (await fixture.tsd("port", name)).stdout.trim().split("\n");
const bindingsOf = async (fixture: Fixture, name: string) =>
  JSON.parse((await fixture.docker("inspect", "-f", "{{json .HostConfig.PortBindings}}", name)).stdout);

scenario(
  "networks: live ports",
  {
    "ports are added and removed while it runs; inspect, port and ps show them; they persist across a restart": async (
      fixture,
    ) => {
      const [old, fresh, home] = freePorts(3);
      await serve(fixture, "web", ["-p", `${old}:80`]);
      const update = ["--publish-add", `${fresh}:80`, "--publish-add", `[::1]:${home}:80`, "--publish-rm", `${old}`];
      expectResult(await fixture.tsd("update", ...update, "web"), { stdout: "web\n" });
      const everything = async () => {
        await listens(fixture, "127.0.0.1", fresh!);
        for (const address of ["127.0.0.1", "::1"]) assert.equal(await answer(address, fresh!), "hello web\n");
        assert.equal(await answer("::1", home!), "hello web\n");
        for (const address of ["127.0.0.1", "::1"]) await refused(address, old!);
        await refused("127.0.0.1", home!);
        const lines = [`80/tcp -> 0.0.0.0:${fresh}`, `80/tcp -> [::1]:${home}`, `80/tcp -> [::]:${fresh}`];
        assert.deepEqual((await portsOf(fixture, "web")).toSorted(), lines);
        expectResult(await fixture.docker("ps", "--format", "{{.Ports}}"), {
          stdout: `0.0.0.0:${fresh}->80/tcp, [::]:${fresh}->80/tcp, [::1]:${home}->80/tcp\n`,
        });
      };
      await everything();
      assert.deepEqual(await bindingsOf(fixture, "web"), {
        "80/tcp": [{ HostIp: "", HostPort: String(fresh) }, { HostIp: "::1", HostPort: String(home) }],
      });
      expectResult(await fixture.tsd("restart", "-t", "0", "web"), { stdout: "web\n" });
      await everything();
      await fixture.engine.restart("SIGKILL");
      await everything();
      // A removed port is free for others.
      await serve(fixture, "other", ["-p", `${old}:80`]);
      assert.equal(await answer("127.0.0.1", old!), "hello other\n");
      await fixture.remove("web", "other");
    },
    "an update changes all ports or none": async (fixture) => {
      const [taken, mine, fresh] = freePorts(3);
      await serve(fixture, "other", ["-p", `${taken}:80`]);
      await serve(fixture, "web", ["-p", `${mine}:80`]);
      const before = [await portsOf(fixture, "web"), await bindingsOf(fixture, "web")];
      const conflict = ["--publish-rm", `${mine}`, "--publish-add", `${fresh}:80`, "--publish-add", `${taken}:80`];
      const failed = new RegExp(`Bind for 0\\.0\\.0\\.0:${taken} failed: port is already allocated\\n$`);
      expectResult(await fixture.tsd("update", ...conflict, "web"), { code: 1, stderr: failed });
      expectResult(await fixture.tsd("update", "--publish-rm", `${taken}`, "web"), {
        code: 1,
        stderr: new RegExp(`: port ${taken}/tcp is not published\\n$`),
      });
      using own = Deno.listen({ hostname: "0.0.0.0", port: 0 });
      const busy = ["--publish-add", `${fresh}:81`, "--publish-add", `${own.addr.port}:80`];
      // Meanwhile the remaining port stays reachable; over IPv6 by the engine's socket.
      const asking = ["127.0.0.1", "::1"].map((address) => askUntil(address, mine!));
      expectResult(await fixture.tsd("update", ...busy, "web"), { code: 1, stderr: /address already in use\n$/ });
      const removing = ["--publish-rm", `${mine}`, ...busy];
      expectResult(await fixture.tsd("update", ...removing, "web"), { code: 1, stderr: /address already in use\n$/ });
      for (const each of asking) assert.deepEqual(await each.end(), []);
      assert.deepEqual([await portsOf(fixture, "web"), await bindingsOf(fixture, "web")], before);
      assert.equal(await answer("127.0.0.1", mine!), "hello web\n");
      assert.equal(await answer("::1", mine!), "hello web\n");
      await refused("127.0.0.1", fresh!);
      await fixture.remove("web", "other");
    },
    "a port is moved to another one of the container in one update": async (fixture) => {
      const [port] = freePorts(1);
      await serve(fixture, "web", ["-p", `${port}:81`]);
      await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: port! }), Deno.errors.ConnectionRefused);
      expectResult(await fixture.tsd("update", "--publish-add", `${port}:80`, "--publish-rm", `:81`, "web"), {
        stdout: "web\n",
      });
      assert.equal(await answer("127.0.0.1", port!), "hello web\n");
      await fixture.remove("web");
    },
    "a stopped container's configuration is updated; over the API, with ranges": async (fixture) => {
      const [first, second] = freePorts(2);
      expectResult(
        await fixture.tsd("create", "--name", "web", "-P", "--expose", "80", fixture.image, "sleep", "1000"),
        {
          stdout: /^[0-9a-f]{64}\n$/,
        },
      );
      const update = (body: unknown) => fixture.engine.api.post("/containers/web/update", body);
      const added = await update({ PublishAdd: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(first) }] } });
      assert.deepEqual([added.status, added.json()], [200, { Warnings: [] }]);
      const both = await bindingsOf(fixture, "web");
      assert.deepEqual(both["80/tcp"].map(({ HostPort }: { HostPort: string }) => HostPort), ["", String(first)]);
      const range = `${second}-${second}`;
      assert.equal((await update({ PublishAdd: { "81/udp": [{ HostIp: "", HostPort: range }] } })).status, 200);
      assert.equal((await update({ PublishRemove: [{ ContainerPort: "80-90" }] })).status, 200);
      assert.deepEqual(await bindingsOf(fixture, "web"), { "81/udp": [{ HostIp: "", HostPort: String(second) }] });
      for (const body of [{ PublishAdd: [] }, { PublishRemove: [{}] }, { PublishRemove: [{ HostPort: 80 }] }]) {
        assert.equal((await update(body)).status, 400, JSON.stringify(body));
      }
      expectResult(await fixture.tsd("start", "web"), { stdout: "web\n" });
      assert.deepEqual(await portsOf(fixture, "web"), [`81/udp -> 0.0.0.0:${second}`, `81/udp -> [::]:${second}`]);
      await fixture.remove("web");
      expectResult(await fixture.tsd("create", "--name", "host", "--network", "host", fixture.image), {
        stdout: /^[0-9a-f]{64}\n$/,
      });
      expectResult(await fixture.tsd("update", "--publish-add", "80", "host"), {
        code: 1,
        stderr: /it has no ports of its own, as its network is host\n$/,
      });
      await fixture.remove("host");
    },
    "default-bind is the address of ports without one": async (fixture) => {
      const [port, open] = freePorts(2);
      const file = `${fixture.dir}/config.json`;
      await Deno.writeTextFile(file, JSON.stringify({ "default-bind": "127.0.0.1" }));
      await fixture.engine.stop();
      fixture.engine.moreArgs = ["--config", file];
      await fixture.engine.start();
      await serve(fixture, "web", ["-p", `${port}:80`, "-p", `0.0.0.0:${open}:80`]);
      assert.deepEqual((await portsOf(fixture, "web")).toSorted(), [
        `80/tcp -> 0.0.0.0:${open}`,
        `80/tcp -> 127.0.0.1:${port}`,
      ]);
      assert.equal(await answer("127.0.0.1", port!), "hello web\n");
      await refused("::1", port!);
      await fixture.remove("web");
      fixture.engine.moreArgs = [];
      await fixture.engine.restart();
    },
  },
  "ip",
  "nft",
);

/** Connects repeatedly; returns the failures. */
function askUntil(hostname: string, port: number): { end(): Promise<string[]> } {
  let isOver = false;
  const failures: string[] = [];
  const asking = (async () => {
    while (!isOver) {
      try {
        (await Deno.connect({ hostname, port })).close();
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  return {
    async end() {
      isOver = true;
      await asking;
      return failures;
    },
  };
}
