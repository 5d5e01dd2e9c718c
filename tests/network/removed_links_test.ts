/** Bridges, interfaces and namespaces that other programs remove while containers use them. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { runCommand, tracesOf } from "../harness/mod.ts";
import { answer, greeter, serve } from "./traffic.ts";

const bridgeOf = ({ engine }: Fixture): string => `tsd${tracesOf(engine.dataRoot).engineId}0`;

async function must(...[command, ...args]: readonly [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args);
  assert.deepEqual([code, stderr], [0, ""], [command, ...args].join(" "));
  return stdout;
}

/** Removes the host's end of the only interface in a bridge, and the container's end with it. */
async function removeInterface(bridge: string): Promise<void> {
  const [link] = await Array.fromAsync(Deno.readDir(`/sys/class/net/${bridge}/brif`), ({ name }) => name);
  await must("ip", "link", "del", link!);
}

/** Unmounts a container's network namespace. */
async function unpin(fixture: Fixture, name: string): Promise<string> {
  const path = (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", name)).stdout.trim();
  await must("umount", path);
  await Deno.remove(path);
  return path;
}

/** Runs a container that sleeps in a network. */
async function sleeper(fixture: Fixture, name: string, network: string): Promise<void> {
  const args = ["run", "-d", "--name", name, "--network", network, fixture.image, "sleep", "1000"];
  expectResult(await fixture.tsd(...args), { stdout: /./ });
}

/** Returns what a server at an address sends to a container. */
const ask = (fixture: Fixture, name: string, address: string) =>
  fixture.tsd("exec", name, "nc", "-w", "3", address, "80");

/** Returns the names of a container's interfaces. */
async function linksOf(fixture: Fixture, name: string): Promise<string[]> {
  const { stdout } = await fixture.tsd("exec", name, "ls", "/sys/class/net");
  return stdout.split(/\s+/).filter((link) => link.startsWith("eth"));
}

const RELOADED = /^Loaded the rules of .*\n$/;
const NEW_START = async (fixture: Fixture) => expectResult(await fixture.tsd("run", "--rm", fixture.image, "true"), {});
const RELOAD = async (fixture: Fixture) => expectResult(await fixture.tsd("network", "reload"), { stdout: RELOADED });
const RESTART = (fixture: Fixture) => fixture.engine.restart();
const REMEDIES = { "the next start": NEW_START, "tsd network reload": RELOAD, "the engine's next start": RESTART };

scenario("networks: links removed by other programs", {
  "a bridge: running containers are attached to the recreated one": async (fixture) => {
    for (const [what, remedy] of Object.entries(REMEDIES)) {
      const web = await serve(fixture, "web", ["-p", "127.0.0.1:0:80"]);
      await sleeper(fixture, "other", "bridge");
      await must("ip", "link", "del", bridgeOf(fixture));
      assert.equal((await fixture.tsd("inspect", "-f", "{{.State.Status}}", "web")).stdout, "running\n");
      await remedy(fixture);
      expectResult(await ask(fixture, "other", web), { stdout: "hello web\n" });
      assert.equal(await answer(web, 80), "hello web\n", what);
      await fixture.remove("web", "other");
    }
  },
  "a bridge of a user-defined network: names are resolved again": async (fixture) => {
    expectResult(await fixture.tsd("network", "create", "own"), { stdout: /./ });
    const web = ["run", "-d", "--name", "web", "--network", "own", fixture.image, ...greeter("web")];
    expectResult(await fixture.tsd(...web), { stdout: /./ });
    await sleeper(fixture, "other", "own");
    const gateway = (await fixture.tsd("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "own")).stdout;
    const listed = JSON.parse(await must("ip", "-j", "addr", "show", "to", gateway.trim()));
    await must("ip", "link", "del", listed.find(({ ifname }: { ifname?: string }) => ifname !== undefined).ifname);
    await RELOAD(fixture);
    expectResult(await ask(fixture, "other", "web"), { stdout: "hello web\n" });
    await fixture.remove("web", "other");
    expectResult(await fixture.tsd("network", "rm", "own"), { stdout: "own\n" });
  },
  "a bridge's address, or an interface's attachment to it": async (fixture) => {
    const web = await serve(fixture, "web", []);
    await must("ip", "addr", "flush", "dev", bridgeOf(fixture));
    await must(
      "sh",
      "-c",
      `for link in /sys/class/net/${bridgeOf(fixture)}/brif/*; do ip link set \${link##*/} nomaster; done`,
    );
    await RELOAD(fixture);
    assert.equal(await answer(web, 80), "hello web\n");
    await fixture.remove("web");
  },
  "an interface: the container can be connected and disconnected, and gets it back": async (
    fixture,
  ) => {
    expectResult(await fixture.tsd("network", "create", "own"), { stdout: /./ });
    const web = await serve(fixture, "web", []);
    await removeInterface(bridgeOf(fixture));
    expectResult(await fixture.tsd("network", "connect", "own", "web"), {});
    assert.deepEqual(await linksOf(fixture, "web"), ["eth1"]);
    expectResult(await fixture.tsd("network", "disconnect", "own", "web"), {});
    expectResult(await fixture.tsd("network", "disconnect", "bridge", "web"), {});
    assert.deepEqual(await linksOf(fixture, "web"), []);
    expectResult(await fixture.tsd("network", "connect", "bridge", "web"), {});
    assert.deepEqual(await linksOf(fixture, "web"), ["eth0"]);
    for (const remedy of [RELOAD, RESTART]) {
      const address = (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")).stdout.trim();
      await removeInterface(bridgeOf(fixture));
      assert.deepEqual(await linksOf(fixture, "web"), []);
      await remedy(fixture);
      assert.equal(await answer(address, 80), "hello web\n");
    }
    assert.notEqual(web, "");
    await fixture.remove("web");
    expectResult(await fixture.tsd("network", "rm", "own"), { stdout: "own\n" });
  },
  "the mount that pins a namespace": async (fixture) => {
    expectResult(await fixture.tsd("network", "create", "own"), { stdout: /./ });
    await serve(fixture, "web", []);
    await unpin(fixture, "web");
    expectResult(await fixture.tsd("network", "connect", "own", "web"), {});
    assert.deepEqual(await linksOf(fixture, "web"), ["eth0", "eth1"]);
    const path = await unpin(fixture, "web");
    expectResult(await fixture.tsd("network", "disconnect", "own", "web"), {});
    assert.deepEqual(await linksOf(fixture, "web"), ["eth0"]);
    await unpin(fixture, "web");
    await fixture.engine.restart();
    assert.match(await Deno.readTextFile("/proc/self/mountinfo"), new RegExp(` ${path} `));
    await unpin(fixture, "web");
    await fixture.remove("web");
    expectResult(await fixture.tsd("network", "rm", "own"), { stdout: "own\n" });
  },
});
