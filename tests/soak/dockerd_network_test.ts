/** Two engines and a dockerd with its bridge and firewall, side by side in one network namespace. */
import { strict as assert } from "node:assert";
import { type DockerDaemon, startDockerDaemon } from "../../bench/peers/docker_daemon.ts";
import { expectResult } from "../cli/setup.ts";
import { type Engine, runCommand, type RunResult, startEngine, tracesOf } from "../harness/mod.ts";
import { busyboxImage, writeDockerArchive } from "../images/mod.ts";
import { Namespace } from "../network/private_namespace.ts";
import { requires } from "../requires.ts";

const IMAGE = "test/busybox:latest";
const OUTSIDE = "192.0.2.2";
const MACHINE = "192.0.2.1";

type Ask = (...args: string[]) => Promise<RunResult>;
/** An engine with a container `web`, and its published port. */
interface Peer {
  readonly name: string;
  readonly ask: Ask;
  readonly port: number;
}

const askTsd = (engine: Engine): Ask => (...args) => engine.tsd(args);
const askDocker = ({ client }: DockerDaemon): Ask => (...args) => runCommand(client.program, args, { env: client.env });

Deno.test({
  name: "two engines beside a dockerd: all are reachable, none reaches another's containers, nothing is left",
  ...requires("root", "runc", "ip", "nft", "iptables"),
  async fn() {
    await using box = await Namespace.make();
    await using outside = await Namespace.make();
    await box.connect(outside, "out0", `${MACHINE}/24`, `${OUTSIDE}/24`);
    await using _out = outside.serve(90, "hello outside");
    await box.setting("ipv4/ip_forward", "0");
    await using daemon = await startDockerDaemon({ networking: true, namespace: box.path });
    const rules = async () => (await box.must("iptables-save", "-t", "filter")).replace(/^#.*\n|\[\d+:\d+\]/gm, "");
    const before = await rules();
    assert.match(before, /^:FORWARD DROP/m);
    {
      await using first = await startEngine({ namespace: box.path });
      await using second = await startEngine({ namespace: box.path });
      const peers: Peer[] = [
        { name: "one", ask: askTsd(first), port: 8081 },
        { name: "two", ask: askTsd(second), port: 8082 },
        { name: "docker", ask: askDocker(daemon), port: 8083 },
      ];
      await using archive = await imageArchive();
      for (const { name, ask, port } of peers) {
        expectResult(await ask("load", "-q", "-i", archive.path), { stdout: /Loaded image/ });
        const script = `nc -ll -p 81 -e echo hidden & exec nc -ll -p 80 -e echo hello ${name}`;
        const run = ["run", "-d", "--name", "web", "-p", `${port}:80`, IMAGE, "sh", "-c", script];
        expectResult(await ask(...run), { stdout: /^[0-9a-f]{64}\n$/ });
      }
      for (const { name, port } of peers) {
        for (const [from, address] of [[outside, MACHINE], [box, "127.0.0.1"], [box, MACHINE]] as const) {
          await until(`${name} by ${address}`, async () => await from.ask(address, port) === `hello ${name}\n`);
        }
      }
      const ask = async (peer: Peer, address: string, port: number) =>
        (await peer.ask("exec", "web", "nc", "-w", "1", address, String(port))).stdout;
      for (const peer of peers) {
        assert.equal(await ask(peer, OUTSIDE, 90), "hello outside\n", peer.name);
        for (const other of peers) {
          // Not a published one: dockerd also allows access to it by the container's address.
          const address = (await other.ask("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")).stdout.trim();
          const expected = other === peer ? "hidden\n" : "";
          assert.equal(await ask(peer, address, 81), expected, `${peer.name} to ${other.name}`);
        }
      }
      // A port of another engine is taken.
      for (const [at, peer] of peers.entries()) {
        const { port } = peers[(at + 1) % peers.length]!;
        const { code, stderr } = await peer.ask("run", "--name", "late", "-p", `${port}:80`, IMAGE, "true");
        assert.equal(code, 125, stderr);
        assert.match(stderr, /address already in use/);
        await peer.ask("rm", "-f", "late");
      }
      // Each has one rule in DOCKER-USER, and is removed without touching those of others.
      assert.equal((await rules()).match(/: let containers through/g)?.length, 2);
      await first.removeContainers();
      await first.stop();
      assert.equal((await rules()).match(/: let containers through/g)?.length, 1);
      assert.equal(await ask(peers[1]!, OUTSIDE, 90), "hello outside\n");
      await until("two from outside", async () => await outside.ask(MACHINE, 8082) === "hello two\n");
      await second.removeContainers();
      await second.stop();
      for (const engine of [first, second]) {
        const { engineId } = tracesOf(engine.dataRoot);
        assert.equal(await box.must("sh", "-c", `nft list tables | grep ${engineId} || :`), "");
        assert.equal(await box.must("sh", "-c", `ip -o link | grep ${engineId} || :`), "");
      }
      assert.equal(await outside.ask(MACHINE, 8083), "hello docker\n");
      await askDocker(daemon)("rm", "-f", "web");
    }
    assert.equal(await rules(), before);
  },
});

async function imageArchive(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempFile({ prefix: "tsd-image-" });
  await writeDockerArchive(path, await busyboxImage(), [IMAGE]);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 10_000; !await done();) {
    if (performance.now() > deadline) throw new Error(`Waited 10 s for ${what}`);
  }
}
