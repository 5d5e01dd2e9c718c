/**
 * Port 53 of the host is published by a container while containers resolve names on their network, in a private
 * namespace.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { inNamespace, type Namespace } from "./private_namespace.ts";
import { greeter } from "./traffic.ts";

const SUBNET = "10.213.17.0/24";
const ADDRESSES = ["127.0.0.1", "198.51.100.1"];

/** Runs a container that sends a greeting over TCP. */
const runServer = (fixture: Fixture, name = "dns") =>
  fixture.tsd("run", "-d", "--name", name, "-p", "53:53", "-p", "53:53/udp", fixture.image, ...helloAt53(name));

const helloAt53 = (name: string) => ["nc", "-ll", "-p", "53", "-e", "echo", "hello", name];

/** Answers over UDP that no name exists, which identifies this server. */
const DENY = `const { createSocket } = await import("node:dgram"); const socket = createSocket("udp4");
  socket.on("message", (bytes, { port, address }) => { bytes[2] |= 0x80; bytes[3] = 0x83;
    socket.send(bytes, port, address); }); socket.bind(53);`;

/** Another program of the host, which shares the port of an address with others that allow it. */
const EXTERNAL = `const { createServer } = await import("node:net");
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

const namespaceOf = async (fixture: Fixture, container: string) =>
  (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", container)).stdout.trim();

/** Runs containers on a user-defined network. */
async function runNamed(fixture: Fixture): Promise<void> {
  expectResult(await fixture.tsd("network", "create", "--subnet", SUBNET, "one"), { stdout: /^[0-9a-f]{64}\n$/ });
  for (const name of ["web", "other"]) {
    const run = [
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "one",
      "--dns",
      "127.0.0.1",
      fixture.image,
      ...greeter(name),
    ];
    expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  }
}

/**
 * Checks that the published port reaches the container from everywhere, and that the gateway's port 53 resolves names.
 */
async function bothAnswer(fixture: Fixture, box: Namespace): Promise<void> {
  for (const address of [...ADDRESSES, "::1"]) {
    await fixture.until(`a name of ${address}`, async () => {
      const { stdout, stderr } = await box.run("busybox", "nslookup", "inside.example", address);
      return (stdout + stderr).includes("NXDOMAIN");
    });
  }
  for (const address of ADDRESSES) {
    await fixture.until(`hello of ${address}`, async () => await box.ask(address, 53) === "hello dns\n");
  }
  await namesAnswer(fixture, box);
}

async function namesAnswer(fixture: Fixture, box: Namespace): Promise<void> {
  const pid = (await fixture.tsd("inspect", "-f", "{{.State.Pid}}", "other")).stdout.trim();
  const requested = await box.must("nsenter", "-t", pid, "-n", "-m", "nslookup", "web");
  assert.match(requested, /^Server:\s+10\.213\.17\.1$/m);
  assert.match(requested, /^Address(?: \d+)?: 10\.213\.17\.2/m);
}

scenario(
  "networks: port 53",
  {
    "a published port precedes the DNS server; the engine is killed, its rules are reloaded and flushed": inNamespace(
      async (fixture, box) => {
        await box.must("ip", "addr", "add", "198.51.100.1/32", "dev", "lo");
        expectResult(await runServer(fixture), { stdout: /^[0-9a-f]{64}\n$/ });
        await using _server = program(await namespaceOf(fixture, "dns"), DENY);
        await runNamed(fixture);
        await bothAnswer(fixture, box);
        await fixture.engine.stop("SIGKILL");
        for (const address of ADDRESSES) assert.equal(await box.ask(address, 53), "hello dns\n", address);
        await fixture.engine.start();
        await bothAnswer(fixture, box);
        expectResult(await fixture.tsd("network", "reload"), { stdout: /2 bridges and 2 published ports/ });
        await bothAnswer(fixture, box);
        await box.must("nft", "flush", "ruleset");
        await namesAnswer(fixture, box);
        await bothAnswer(fixture, box);
        await fixture.remove("web", "other");
        expectResult(await fixture.tsd("network", "rm", "one"), { stdout: "one\n" });
      },
    ),
    "the DNS server precedes the published port; another program listens on it": inNamespace(async (fixture, box) => {
      await box.must("ip", "addr", "add", "198.51.100.1/32", "dev", "lo");
      await runNamed(fixture);
      {
        await using _foreign = program(box.path, EXTERNAL);
        await fixture.until("the foreign program", async () => {
          return (await box.must("cat", "/proc/net/tcp")).includes(" 0100007F:0035 ");
        });
        expectResult(await runServer(fixture, "late"), {
          code: 125,
          stdout: /^[0-9a-f]{64}\n$/,
          stderr: /failed to bind host port for 0\.0\.0\.0:53:[\d.]+:53\/tcp: address already in use\n/,
        });
        await fixture.remove("late");
      }
      expectResult(await runServer(fixture), { stdout: /^[0-9a-f]{64}\n$/ });
      await using _server = program(await namespaceOf(fixture, "dns"), DENY);
      await bothAnswer(fixture, box);
      expectResult(await runServer(fixture, "late"), {
        code: 125,
        stdout: /^[0-9a-f]{64}\n$/,
        stderr: /Bind for 0\.0\.0\.0:53 failed: port is already allocated\n/,
      });
      await fixture.remove("late", "dns");
      assert.equal(await box.ask("127.0.0.1", 53), "");
      await namesAnswer(fixture, box);
      await fixture.remove("web", "other");
      expectResult(await fixture.tsd("network", "rm", "one"), { stdout: "one\n" });
    }),
  },
  "ip",
  "nft",
);
