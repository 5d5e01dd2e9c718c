/** Networks of one's own, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { answer, greeter, serve } from "./traffic.ts";

/** Subnets that no pool has, so that nobody else's engine is in the way. */
const [ONE, TWO] = ["10.213.7.0/24", "10.213.8.0/24"];

async function addressIn(world: World, container: string, network: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  return (await world.tsd("inspect", "-f", format, container)).stdout.trim();
}

/** Whether a container gets an answer of an address. */
async function reaches(world: World, container: string, address: string): Promise<boolean> {
  const { stdout } = await world.tsd("exec", container, "nc", "-w", "2", address, "80");
  return stdout.startsWith("hello ");
}

async function greet(world: World, name: string, ...flags: string[]): Promise<void> {
  const run = ["run", "-d", "--name", name, ...flags, world.image, ...greeter(name)];
  expectResult(await world.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
}

scenario(
  "networks: of one's own",
  {
    "create, ls, inspect, rm; by tsd and by docker": async (world) => {
      for (const client of ["tsd", "docker"] as const) {
        const flags = ["--subnet", ONE, "--ip-range", "10.213.7.128/25", "--label", "a=b"];
        const created = await world[client]("network", "create", ...flags, "one");
        expectResult(created, { stdout: /^[0-9a-f]{64}\n$/ });
        expectResult(await world[client]("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"), {
          stdout: "bridge bridge local\nhost host local\nnone null local\none bridge local\n",
        });
        const format = "{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{.IPRange}}{{end}} {{.Labels}}";
        expectResult(await world[client]("network", "inspect", "-f", format, "one"), {
          stdout: `one ${ONE} 10.213.7.128 10.213.7.128/25 map[a:b]\n`,
        });
        expectResult(await world[client]("network", "create", "one"), {
          code: 1,
          stderr: /network with name one already exists/,
        });
        expectResult(await world[client]("network", "create", "--subnet", ONE, "two"), {
          code: 1,
          stderr: /Pool overlaps with other one on this address space/,
        });
        expectResult(await world[client]("network", "rm", "one"), { stdout: "one\n" });
        expectResult(await world[client]("network", "rm", "one"), { code: 1, stderr: /network one not found/ });
        expectResult(await world[client]("network", "rm", "bridge"), {
          code: 1,
          stderr: /bridge is a pre-defined network and cannot be removed/,
        });
      }
    },
    "containers of one network reach each other, those of others don't; --internal has no way out": async (world) => {
      await world.tsd("network", "create", "--subnet", ONE, "one");
      await world.tsd("network", "create", "--subnet", TWO, "--internal", "two");
      await greet(world, "aa", "--network", "one", "--ip", "10.213.7.77");
      await greet(world, "bb", "--network", "one");
      await greet(world, "cc", "--network", "two");
      assert.equal(await addressIn(world, "aa", "one"), "10.213.7.77");
      const [b, c] = [await addressIn(world, "bb", "one"), await addressIn(world, "cc", "two")];
      await world.until("an answer", () => answer(b, 80).then((text) => text === "hello bb\n", () => false));
      assert.ok(await reaches(world, "aa", b));
      assert.ok(!await reaches(world, "aa", c));
      assert.ok(!await reaches(world, "cc", b));
      expectResult(await world.tsd("exec", "cc", "ip", "route"), { stdout: /^10\.213\.8\.0\/24 dev eth0[^\n]*\n$/ });
      expectResult(await world.tsd("network", "rm", "one"), { code: 1, stderr: /network one has active endpoints/ });
      await world.remove("aa", "bb", "cc");
      expectResult(await world.tsd("network", "prune", "-f"), { stdout: /one/ });
      expectResult(await world.tsd("network", "ls", "-q", "-f", "type=custom"), {});
    },
    "connect and disconnect while it runs, and while it doesn't": async (world) => {
      await world.tsd("network", "create", "--subnet", ONE, "one");
      const web = await serve(world, "web", []);
      await greet(world, "other", "--network", "one");
      const other = await addressIn(world, "other", "one");
      assert.ok(!await reaches(world, "web", other));
      expectResult(await world.tsd("network", "connect", "--ip", "10.213.7.50", "one", "web"), {});
      assert.ok(await reaches(world, "web", other));
      assert.ok(await reaches(world, "other", "10.213.7.50"));
      expectResult(await world.tsd("exec", "web", "grep", "-c", "10.213.7.50", "/etc/hosts"), { stdout: "1\n" });
      const inspected = JSON.parse((await world.docker("network", "inspect", "one")).stdout)[0];
      assert.deepEqual(Object.values<{ Name: string }>(inspected.Containers).map(({ Name }) => Name).sort(), [
        "other",
        "web",
      ]);
      expectResult(await world.docker("network", "connect", "one", "web"), {
        code: 1,
        stderr: /already exists in network one/,
      });
      expectResult(await world.docker("network", "disconnect", "bridge", "web"), {});
      await assert.rejects(Deno.connect({ hostname: web, port: 80, signal: AbortSignal.timeout(2000) }));
      assert.ok(await reaches(world, "web", other));
      expectResult(await world.tsd("restart", "-t", "0", "web"), { stdout: "web\n" });
      expectResult(await world.tsd("ps", "--format", "{{.Networks}}", "--filter", "name=web"), { stdout: "one\n" });
      expectResult(await world.tsd("network", "disconnect", "one", "web"), {});
      expectResult(await world.tsd("network", "disconnect", "one", "web"), { code: 1, stderr: /is not connected to/ });
      await world.remove("web", "other");
      expectResult(await world.tsd("network", "rm", "one"), { stdout: "one\n" });
    },
    "several networks at once, also through a killed engine": async (world) => {
      await world.tsd("network", "create", "--subnet", ONE, "one");
      await world.tsd("network", "create", "--subnet", TWO, "two");
      await greet(world, "both", "--network", "one", "--network", "name=two,gw-priority=1");
      const route = async () => (await world.tsd("exec", "both", "ip", "route")).stdout.split("\n")[0];
      assert.match(await route(), /^default via 10\.213\.8\.1 dev eth1/);
      await world.engine.restart("SIGKILL");
      expectResult(await world.tsd("network", "disconnect", "two", "both"), {});
      assert.match(await route(), /^default via 10\.213\.7\.1 dev eth0/);
      await world.remove("both");
      expectResult(await world.tsd("network", "rm", "one", "two"), { stdout: "one\ntwo\n" });
    },
    "a network that there is not is said at the start": async (world) => {
      expectResult(await world.tsd("run", "--name", "lost", "--network", "absent", world.image, "true"), {
        code: 125,
        stderr: /network absent not found/,
      });
      await world.remove("lost");
    },
  },
  "ip",
  "nft",
);
