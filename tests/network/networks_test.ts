/** User-defined networks, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { answer, greeter, serve } from "./traffic.ts";

/** Subnets outside of all pools, so that they do not conflict with other engines. */
const [ONE, TWO] = ["10.213.7.0/24", "10.213.8.0/24"];

async function addressIn(fixture: Fixture, container: string, network: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  return (await fixture.tsd("inspect", "-f", format, container)).stdout.trim();
}

/** Reports whether a container gets an answer from an address. */
async function reaches(fixture: Fixture, container: string, address: string): Promise<boolean> {
  const { stdout } = await fixture.tsd("exec", container, "nc", "-w", "2", address, "80");
  return stdout.startsWith("hello ");
}

async function greet(fixture: Fixture, name: string, ...flags: string[]): Promise<void> {
  const run = ["run", "-d", "--name", name, ...flags, fixture.image, ...greeter(name)];
  expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
}

scenario(
  "networks: user-defined",
  {
    "create, ls, inspect, rm; with tsd and with docker": async (fixture) => {
      for (const client of ["tsd", "docker"] as const) {
        const flags = ["--subnet", ONE, "--ip-range", "10.213.7.128/25", "--label", "a=b"];
        const created = await fixture[client]("network", "create", ...flags, "one");
        expectResult(created, { stdout: /^[0-9a-f]{64}\n$/ });
        expectResult(await fixture[client]("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"), {
          stdout: "bridge bridge local\nhost host local\nnone null local\none bridge local\n",
        });
        const format = "{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{.IPRange}}{{end}} {{.Labels}}";
        expectResult(await fixture[client]("network", "inspect", "-f", format, "one"), {
          stdout: `one ${ONE} 10.213.7.128 10.213.7.128/25 map[a:b]\n`,
        });
        expectResult(await fixture[client]("network", "create", "one"), {
          code: 1,
          stderr: /network with name one already exists/,
        });
        expectResult(await fixture[client]("network", "create", "--subnet", ONE, "two"), {
          code: 1,
          stderr: /Pool overlaps with other one on this address space/,
        });
        expectResult(await fixture[client]("network", "rm", "one"), { stdout: "one\n" });
        expectResult(await fixture[client]("network", "rm", "one"), { code: 1, stderr: /network one not found/ });
        expectResult(await fixture[client]("network", "rm", "bridge"), {
          code: 1,
          stderr: /bridge is a pre-defined network and cannot be removed/,
        });
      }
    },
    "containers of one network reach each other, those of others do not; --internal has no outgoing connectivity":
      async (fixture) => {
        await fixture.tsd("network", "create", "--subnet", ONE, "one");
        await fixture.tsd("network", "create", "--subnet", TWO, "--internal", "two");
        await greet(fixture, "aa", "--network", "one", "--ip", "10.213.7.77");
        await greet(fixture, "bb", "--network", "one");
        await greet(fixture, "cc", "--network", "two");
        assert.equal(await addressIn(fixture, "aa", "one"), "10.213.7.77");
        const [b, c] = [await addressIn(fixture, "bb", "one"), await addressIn(fixture, "cc", "two")];
        await fixture.until("an answer", () => answer(b, 80).then((text) => text === "hello bb\n", () => false));
        assert.ok(await reaches(fixture, "aa", b));
        assert.ok(!await reaches(fixture, "aa", c));
        assert.ok(!await reaches(fixture, "cc", b));
        expectResult(await fixture.tsd("exec", "cc", "ip", "route"), {
          stdout: /^10\.213\.8\.0\/24 dev eth0[^\n]*\n$/,
        });
        expectResult(await fixture.tsd("network", "rm", "one"), {
          code: 1,
          stderr: /network one has active endpoints/,
        });
        await fixture.remove("aa", "bb", "cc");
        expectResult(await fixture.tsd("network", "prune", "-f"), { stdout: /one/ });
        expectResult(await fixture.tsd("network", "ls", "-q", "-f", "type=custom"), {});
      },
    "connect and disconnect a running and a stopped container": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      const web = await serve(fixture, "web", []);
      await greet(fixture, "other", "--network", "one");
      const other = await addressIn(fixture, "other", "one");
      assert.ok(!await reaches(fixture, "web", other));
      expectResult(await fixture.tsd("network", "connect", "--ip", "10.213.7.50", "one", "web"), {});
      assert.ok(await reaches(fixture, "web", other));
      assert.ok(await reaches(fixture, "other", "10.213.7.50"));
      expectResult(await fixture.tsd("exec", "web", "grep", "-c", "10.213.7.50", "/etc/hosts"), { stdout: "1\n" });
      const inspected = JSON.parse((await fixture.docker("network", "inspect", "one")).stdout)[0];
      assert.deepEqual(Object.values<{ Name: string }>(inspected.Containers).map(({ Name }) => Name).sort(), [
        "other",
        "web",
      ]);
      expectResult(await fixture.docker("network", "connect", "one", "web"), {
        code: 1,
        stderr: /already exists in network one/,
      });
      expectResult(await fixture.docker("network", "disconnect", "bridge", "web"), {});
      await assert.rejects(Deno.connect({ hostname: web, port: 80, signal: AbortSignal.timeout(2000) }));
      assert.ok(await reaches(fixture, "web", other));
      expectResult(await fixture.tsd("restart", "-t", "0", "web"), { stdout: "web\n" });
      expectResult(await fixture.tsd("ps", "--format", "{{.Networks}}", "--filter", "name=web"), { stdout: "one\n" });
      expectResult(await fixture.tsd("network", "disconnect", "one", "web"), {});
      expectResult(await fixture.tsd("network", "disconnect", "one", "web"), {
        code: 1,
        stderr: /is not connected to/,
      });
      await fixture.remove("web", "other");
      expectResult(await fixture.tsd("network", "rm", "one"), { stdout: "one\n" });
    },
    "several networks at once, also across a killed engine": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      await fixture.tsd("network", "create", "--subnet", TWO, "two");
      await greet(fixture, "both", "--network", "one", "--network", "name=two,gw-priority=1");
      const route = async () => (await fixture.tsd("exec", "both", "ip", "route")).stdout.split("\n")[0];
      assert.match(await route(), /^default via 10\.213\.8\.1 dev eth1/);
      await fixture.engine.restart("SIGKILL");
      expectResult(await fixture.tsd("network", "disconnect", "two", "both"), {});
      assert.match(await route(), /^default via 10\.213\.7\.1 dev eth0/);
      await fixture.remove("both");
      expectResult(await fixture.tsd("network", "rm", "one", "two"), { stdout: "one\ntwo\n" });
    },
    "a missing network is reported at the start": async (fixture) => {
      expectResult(await fixture.tsd("run", "--name", "lost", "--network", "absent", fixture.image, "true"), {
        code: 125,
        stderr: /network absent not found/,
      });
      await fixture.remove("lost");
    },
  },
  "ip",
  "nft",
);
