/** IPv6 in networks of one's own, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { moveEngine, Namespace } from "./private_namespace.ts";
import { answer, freePorts, greeter, listens } from "./traffic.ts";

/** Subnets that nobody else has. */
const [ONE, TWO] = ["fd5a:213:27::/64", "fd5a:213:28::/64"];
const [FOUR_ONE, FOUR_TWO] = ["10.213.27.0/24", "10.213.28.0/24"];

async function greet(world: World, name: string, ...flags: string[]): Promise<string> {
  const run = ["run", "-d", "--name", name, ...flags, world.image, ...greeter(name)];
  expectResult(await world.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  const format = "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}";
  return (await world.tsd("inspect", "-f", format, name)).stdout.trim();
}

/** What a container gets from an address or a name. */
async function asked(world: World, from: string, to: string): Promise<string> {
  return (await world.tsd("exec", from, "nc", "-w", "2", to, "80")).stdout.trim();
}

async function create(world: World, name: string, ...flags: string[]): Promise<void> {
  expectResult(await world.tsd("network", "create", "--ipv6", ...flags, name), { stdout: /^[0-9a-f]{64}\n$/ });
}

scenario(
  "networks: IPv6",
  {
    "addresses, names and a way out; other networks are out of reach": async (world) => {
      await create(world, "one", "--subnet", ONE, "--subnet", FOUR_ONE);
      await create(world, "two", "--subnet", TWO, "--subnet", FOUR_TWO, "--internal");
      const web = await greet(world, "web", "--network", "one", "--ip6", "fd5a:213:27::77");
      assert.equal(web, "fd5a:213:27::77");
      assert.equal(await greet(world, "other", "--network", "one"), "fd5a:213:27::2");
      const apart = await greet(world, "apart", "--network", "two");
      await listens(world, web);
      assert.equal(await asked(world, "other", web), "hello web");
      assert.equal(await asked(world, "other", apart), "");
      assert.equal(await asked(world, "apart", web), "");
      assert.match((await world.tsd("exec", "other", "nslookup", "web")).stdout, /fd5a:213:27::77/);
      const route = async (name: string) => (await world.tsd("exec", name, "ip", "-6", "route")).stdout;
      assert.match(await route("web"), /^default via fd5a:213:27::1 dev eth0/m);
      assert.doesNotMatch(await route("apart"), /default/);
      const format = "{{.EnableIPv6}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{end}}";
      expectResult(await world.docker("network", "inspect", "-f", format, "one"), {
        stdout: `true ${FOUR_ONE} 10.213.27.1 ${ONE} fd5a:213:27::1 \n`,
      });
      expectResult(await world.tsd("run", "--rm", "--network", "one", "--ip6", web, world.image, "true"), {
        code: 125,
        stderr: /Address already in use/,
      });
      await world.remove("web", "other", "apart");
      await world.tsd("network", "rm", "one", "two");
    },
    "published ports; connect and disconnect; through a killed engine": async (world) => {
      await create(world, "one", "--subnet", ONE);
      const [port] = freePorts(1);
      const web = await greet(world, "web", "--network", "one", "-p", `${port}:80`);
      await listens(world, web);
      for (const address of ["::1", "fd5a:213:27::1", "127.0.0.1"]) {
        assert.equal(await answer(address, port!), "hello web\n", address);
      }
      await world.engine.stop("SIGKILL");
      assert.equal(await answer("fd5a:213:27::1", port!), "hello web\n");
      await world.engine.start();
      await greet(world, "other");
      expectResult(await world.docker("network", "connect", "--ip6", "fd5a:213:27::50", "one", "other"), {});
      assert.equal(await asked(world, "other", web), "hello web");
      assert.equal(await asked(world, "web", "fd5a:213:27::50"), "hello other");
      expectResult(await world.docker("network", "disconnect", "one", "other"), {});
      assert.equal(await asked(world, "web", "fd5a:213:27::50"), "");
      await world.remove("web", "other");
      await world.tsd("network", "rm", "one");
    },
    "another machine: hidden on the way out, reached by published ports only; forwarding for containers": async (
      world,
    ) => {
      await using machine = await Namespace.make();
      await using outside = await Namespace.make();
      await machine.connect(outside, "wan", "fd5a:213:99::1/64", "fd5a:213:99::2/64");
      // It knows no way to addresses of containers.
      await outside.must("ip", "-6", "route", "del", "default");
      await moveEngine(world, machine);
      try {
        await create(world, "one", "--subnet", ONE);
        assert.equal(await machine.setting("ipv6/conf/all/forwarding"), "1");
        const [port] = freePorts(1);
        const web = await greet(world, "web", "--network", "one", "-p", `${port}:80`);
        await using _server = outside.serve(80, "hello outside");
        await world.until("a way out", async () => await asked(world, "web", "fd5a:213:99::2") === "hello outside");
        await world.until("a way in", async () => await outside.ask("fd5a:213:99::1", port!) === "hello web\n");
        await outside.must("ip", "route", "add", "default", "via", "fd5a:213:99::1");
        assert.equal(await outside.ask(web, 80), "");
        await world.remove("web");
        await world.tsd("network", "rm", "one");
      } finally {
        await moveEngine(world, undefined);
      }
      assert.equal(await machine.setting("ipv6/conf/all/forwarding"), "0");
    },
    "addresses of its own choice; a container that wants no IPv6": async (world) => {
      await create(world, "auto");
      const subnet = async (name: string) =>
        (await world.tsd("network", "inspect", "-f", "{{(index .IPAM.Config 1).Subnet}}", name)).stdout.trim();
      assert.match(await subnet("auto"), /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
      assert.notEqual(await greet(world, "web", "--network", "auto"), "");
      const without = ["--sysctl", "net.ipv6.conf.all.disable_ipv6=1"];
      assert.equal(await greet(world, "four", "--network", "auto", ...without), "");
      expectResult(await world.tsd("exec", "four", "ip", "-6", "addr"), {});
      assert.equal((await world.tsd("exec", "web", "nslookup", "-type=aaaa", "four")).stdout.includes("fd"), false);
      await world.remove("web", "four");
      await world.tsd("network", "rm", "auto");
    },
  },
  "ip",
  "nft",
);
