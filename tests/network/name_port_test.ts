/** Port 53 of the machine is a container's while others ask for names on their network, in a namespace of the test's own. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { inNamespace, type Namespace } from "./private_namespace.ts";
import { greeter } from "./traffic.ts";

const SUBNET = "10.213.17.0/24";
const ADDRESSES = ["127.0.0.1", "198.51.100.1"];

/** A container that says hello over TCP. */
const runServer = (world: World, name = "dns") =>
  world.tsd("run", "-d", "--name", name, "-p", "53:53", "-p", "53:53/udp", world.image, ...helloAt53(name));

const helloAt53 = (name: string) => ["nc", "-ll", "-p", "53", "-e", "echo", "hello", name];

/** Says over UDP that no name exists: nobody else says that. */
const DENY = `const { createSocket } = await import("node:dgram"); const socket = createSocket("udp4");
  socket.on("message", (bytes, { port, address }) => { bytes[2] |= 0x80; bytes[3] = 0x83;
    socket.send(bytes, port, address); }); socket.bind(53);`;

/** Another program of the machine, which shares the port of an address with whoever wants that. */
const FOREIGN = `const { createServer } = await import("node:net");
  createServer().listen({ port: 53, host: "127.0.0.1", reusePort: true });`;

/** Runs a program in a network namespace until it is disposed of. */
function program(namespace: string, text: string): AsyncDisposable {
  const args = [`--net=${namespace}`, "--", Deno.execPath(), "eval", text];
  const child = new Deno.Command("nsenter", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

const namespaceOf = async (world: World, container: string) =>
  (await world.tsd("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", container)).stdout.trim();

/** Containers on a network of their own. */
async function runNamed(world: World): Promise<void> {
  expectResult(await world.tsd("network", "create", "--subnet", SUBNET, "one"), { stdout: /^[0-9a-f]{64}\n$/ });
  for (const name of ["web", "other"]) {
    const run = ["run", "-d", "--name", name, "--network", "one", "--dns", "127.0.0.1", world.image, ...greeter(name)];
    expectResult(await world.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  }
}

/** The published port leads to the container from everywhere, and names are answered at the same port of the gateway. */
async function bothAnswer(world: World, box: Namespace): Promise<void> {
  for (const address of [...ADDRESSES, "::1"]) {
    await world.until(`a name of ${address}`, async () => {
      const { stdout, stderr } = await box.run("busybox", "nslookup", "inside.example", address);
      return (stdout + stderr).includes("NXDOMAIN");
    });
  }
  for (const address of ADDRESSES) {
    await world.until(`hello of ${address}`, async () => await box.ask(address, 53) === "hello dns\n");
  }
  await namesAnswer(world, box);
}

async function namesAnswer(world: World, box: Namespace): Promise<void> {
  const pid = (await world.tsd("inspect", "-f", "{{.State.Pid}}", "other")).stdout.trim();
  const asked = await box.must("nsenter", "-t", pid, "-n", "-m", "nslookup", "web");
  assert.match(asked, /^Server:\s+10\.213\.17\.1$/m);
  assert.match(asked, /^Address(?: \d+)?: 10\.213\.17\.2/m);
}

scenario(
  "networks: port 53",
  {
    "published first; the engine is killed, its rules are loaded anew, somebody flushes them": inNamespace(
      async (world, box) => {
        await box.must("ip", "addr", "add", "198.51.100.1/32", "dev", "lo");
        expectResult(await runServer(world), { stdout: /^[0-9a-f]{64}\n$/ });
        await using _server = program(await namespaceOf(world, "dns"), DENY);
        await runNamed(world);
        await bothAnswer(world, box);
        await world.engine.stop("SIGKILL");
        for (const address of ADDRESSES) assert.equal(await box.ask(address, 53), "hello dns\n", address);
        await world.engine.start();
        await bothAnswer(world, box);
        expectResult(await world.tsd("network", "reload"), { stdout: /2 bridges and 2 published ports/ });
        await bothAnswer(world, box);
        await box.must("nft", "flush", "ruleset");
        await namesAnswer(world, box);
        await bothAnswer(world, box);
        await world.remove("web", "other");
        expectResult(await world.tsd("network", "rm", "one"), { stdout: "one\n" });
      },
    ),
    "names first; another program is in the way": inNamespace(async (world, box) => {
      await box.must("ip", "addr", "add", "198.51.100.1/32", "dev", "lo");
      await runNamed(world);
      {
        await using _foreign = program(box.path, FOREIGN);
        await world.until("the foreign program", async () => {
          return (await box.must("cat", "/proc/net/tcp")).includes(" 0100007F:0035 ");
        });
        expectResult(await runServer(world, "late"), {
          code: 125,
          stdout: /^[0-9a-f]{64}\n$/,
          stderr: /failed to bind host port for 0\.0\.0\.0:53:[\d.]+:53\/tcp: address already in use\n/,
        });
        await world.remove("late");
      }
      expectResult(await runServer(world), { stdout: /^[0-9a-f]{64}\n$/ });
      await using _server = program(await namespaceOf(world, "dns"), DENY);
      await bothAnswer(world, box);
      expectResult(await runServer(world, "late"), {
        code: 125,
        stdout: /^[0-9a-f]{64}\n$/,
        stderr: /Bind for 0\.0\.0\.0:53 failed: port is already allocated\n/,
      });
      await world.remove("late", "dns");
      assert.equal(await box.ask("127.0.0.1", 53), "");
      await namesAnswer(world, box);
      await world.remove("web", "other");
      expectResult(await world.tsd("network", "rm", "one"), { stdout: "one\n" });
    }),
  },
  "ip",
  "nft",
);
