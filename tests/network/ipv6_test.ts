/** IPv6 in user-defined networks, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { moveEngine, Namespace } from "./private_namespace.ts";
import { answer, freePorts, greeter, listens } from "./traffic.ts";

/** Subnets that are not in use. */
const [ONE, TWO] = ["fd5a:213:27::/64", "fd5a:213:28::/64"];
const [FOUR_ONE, FOUR_TWO] = ["10.213.27.0/24", "10.213.28.0/24"];

async function greet(fixture: Fixture, name: string, ...flags: string[]): Promise<string> {
  const run = ["run", "-d", "--name", name, ...flags, fixture.image, ...greeter(name)];
  expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  const format = "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}";
  return (await fixture.tsd("inspect", "-f", format, name)).stdout.trim();
}

/** Returns a server's greeting, requested from a container by address or name. */
async function requested(fixture: Fixture, from: string, to: string): Promise<string> {
  return (await fixture.tsd("exec", from, "nc", "-w", "2", to, "80")).stdout.trim();
}

async function create(fixture: Fixture, name: string, ...flags: string[]): Promise<void> {
  expectResult(await fixture.tsd("network", "create", "--ipv6", ...flags, name), { stdout: /^[0-9a-f]{64}\n$/ });
}

scenario(
  "networks: IPv6",
  {
    "addresses, names and outgoing connectivity; other networks are unreachable": async (fixture) => {
      await create(fixture, "one", "--subnet", ONE, "--subnet", FOUR_ONE);
      await create(fixture, "two", "--subnet", TWO, "--subnet", FOUR_TWO, "--internal");
      const web = await greet(fixture, "web", "--network", "one", "--ip6", "fd5a:213:27::77");
      assert.equal(web, "fd5a:213:27::77");
      assert.equal(await greet(fixture, "other", "--network", "one"), "fd5a:213:27::2");
      const apart = await greet(fixture, "apart", "--network", "two");
      await listens(fixture, web);
      assert.equal(await requested(fixture, "other", web), "hello web");
      assert.equal(await requested(fixture, "other", apart), "");
      assert.equal(await requested(fixture, "apart", web), "");
      assert.match((await fixture.tsd("exec", "other", "nslookup", "web")).stdout, /fd5a:213:27::77/);
      const route = async (name: string) => (await fixture.tsd("exec", name, "ip", "-6", "route")).stdout;
      assert.match(await route("web"), /^default via fd5a:213:27::1 dev eth0/m);
      assert.doesNotMatch(await route("apart"), /default/);
      const format = "{{.EnableIPv6}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{end}}";
      expectResult(await fixture.docker("network", "inspect", "-f", format, "one"), {
        stdout: `true ${FOUR_ONE} 10.213.27.1 ${ONE} fd5a:213:27::1 \n`,
      });
      expectResult(await fixture.tsd("run", "--rm", "--network", "one", "--ip6", web, fixture.image, "true"), {
        code: 125,
        stderr: /Address already in use/,
      });
      await fixture.remove("web", "other", "apart");
      await fixture.tsd("network", "rm", "one", "two");
    },
    "published ports; connect and disconnect; after a killed engine": async (fixture) => {
      await create(fixture, "one", "--subnet", ONE);
      const [port] = freePorts(1);
      const web = await greet(fixture, "web", "--network", "one", "-p", `${port}:80`);
      await listens(fixture, web);
      for (const address of ["::1", "fd5a:213:27::1", "127.0.0.1"]) {
        assert.equal(await answer(address, port!), "hello web\n", address);
      }
      await fixture.engine.stop("SIGKILL");
      assert.equal(await answer("fd5a:213:27::1", port!), "hello web\n");
      await fixture.engine.start();
      await greet(fixture, "other");
      expectResult(await fixture.docker("network", "connect", "--ip6", "fd5a:213:27::50", "one", "other"), {});
      assert.equal(await requested(fixture, "other", web), "hello web");
      assert.equal(await requested(fixture, "web", "fd5a:213:27::50"), "hello other");
      expectResult(await fixture.docker("network", "disconnect", "one", "other"), {});
      assert.equal(await requested(fixture, "web", "fd5a:213:27::50"), "");
      await fixture.remove("web", "other");
      await fixture.tsd("network", "rm", "one");
    },
    "another machine: masquerading, access by published ports only; forwarding while containers run": async (
      fixture,
    ) => {
      await using machine = await Namespace.make();
      await using outside = await Namespace.make();
      await machine.connect(outside, "wan", "fd5a:213:99::1/64", "fd5a:213:99::2/64");
      // It has no route to the containers' addresses.
      await outside.must("ip", "-6", "route", "del", "default");
      await moveEngine(fixture, machine);
      try {
        await create(fixture, "one", "--subnet", ONE);
        assert.equal(await machine.setting("ipv6/conf/all/forwarding"), "1");
        const [port] = freePorts(1);
        const web = await greet(fixture, "web", "--network", "one", "-p", `${port}:80`);
        await using _server = outside.serve(80, "hello outside");
        await fixture.until(
          "a way out",
          async () => await requested(fixture, "web", "fd5a:213:99::2") === "hello outside",
        );
        await fixture.until("a way in", async () => await outside.ask("fd5a:213:99::1", port!) === "hello web\n");
        await outside.must("ip", "route", "add", "default", "via", "fd5a:213:99::1");
        assert.equal(await outside.ask(web, 80), "");
        await fixture.remove("web");
        await fixture.tsd("network", "rm", "one");
      } finally {
        await moveEngine(fixture, undefined);
      }
      assert.equal(await machine.setting("ipv6/conf/all/forwarding"), "0");
    },
    "automatically chosen subnets; a container with IPv6 disabled": async (fixture) => {
      await create(fixture, "auto");
      const subnet = async (name: string) =>
        (await fixture.tsd("network", "inspect", "-f", "{{(index .IPAM.Config 1).Subnet}}", name)).stdout.trim();
      assert.match(await subnet("auto"), /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
      assert.notEqual(await greet(fixture, "web", "--network", "auto"), "");
      const without = ["--sysctl", "net.ipv6.conf.all.disable_ipv6=1"];
      assert.equal(await greet(fixture, "four", "--network", "auto", ...without), "");
      expectResult(await fixture.tsd("exec", "four", "ip", "-6", "addr"), {});
      assert.equal((await fixture.tsd("exec", "web", "nslookup", "-type=aaaa", "four")).stdout.includes("fd"), false);
      await fixture.remove("web", "four");
      await fixture.tsd("network", "rm", "auto");
    },
  },
  "ip",
  "nft",
);
