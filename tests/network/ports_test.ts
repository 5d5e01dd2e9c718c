/** Published ports, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { Deadline } from "../harness/mod.ts";
import { createSocket, type Socket } from "node:dgram";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { addressOf, answer, freePorts, greeter, listens, refused, serve } from "./traffic.ts";

/** Returns a non-loopback address of the host. */
function hostAddress(): string {
  const found = Deno.networkInterfaces().find(({ family, address, name }) =>
    family === "IPv4" && !address.startsWith("127.") && !name.startsWith("tsd") && !name.startsWith("docker")
  );
  assert.ok(found !== undefined, "this machine has no address but loopback");
  return found.address;
}

const bindFailure = (port: number) => new RegExp(`Bind for 0\\.0\\.0\\.0:${port} failed: port is already allocated\\n`);

const freePort = (): number => freePorts(1)[0]!;

async function hostPort(fixture: Fixture, name: string, port: string): Promise<number> {
  const { stdout } = await fixture.tsd("port", name, port);
  return Number(/:(\d+)$/m.exec(stdout)?.[1]);
}

scenario(
  "networks: published ports",
  {
    "on every address, IPv4 and IPv6, also of the host; with tsd and with docker": async (fixture) => {
      for (const client of ["tsd", "docker"] as const) {
        const port = freePort();
        const run = ["run", "-d", "--name", "web", "-p", `${port}:80`, fixture.image, ...greeter("web")];
        expectResult(await fixture[client](...run), { stdout: /^[0-9a-f]{64}\n$/ });
        await listens(fixture, await addressOf(fixture, "web"));
        for (const address of ["127.0.0.1", hostAddress(), "::1"]) {
          assert.equal(await answer(address, port), "hello web\n", address);
        }
        expectResult(await fixture[client]("port", "web"), {
          stdout: `80/tcp -> 0.0.0.0:${port}\n80/tcp -> [::]:${port}\n`,
        });
        expectResult(await fixture[client]("ps", "--format", "{{.Ports}}"), {
          stdout: `0.0.0.0:${port}->80/tcp, [::]:${port}->80/tcp\n`,
        });
        expectResult(await fixture[client]("ps", "-q", "--filter", "publish=80"), { stdout: /^[0-9a-f]{12}\n$/ });
        await fixture.remove("web");
        for (const address of ["127.0.0.1", hostAddress(), "::1"]) await refused(address, port);
      }
    },
    "on one address only": async (fixture) => {
      const [four, six] = [freePort(), freePort()];
      await serve(fixture, "web", ["-p", `127.0.0.1:${four}:80`, "-p", `[::1]:${six}:80`]);
      assert.equal(await answer("127.0.0.1", four), "hello web\n");
      assert.equal(await answer("::1", six), "hello web\n");
      await refused(hostAddress(), four);
      await refused("::1", four);
      await refused("127.0.0.1", six);
      await fixture.remove("web");
    },
    "from a container, also to itself, by the host's address; the client's address is kept": async (fixture) => {
      const port = freePort();
      await serve(fixture, "web", ["-p", `${port}:80`]);
      const ask = ["nc", "-w", "3", hostAddress(), String(port)];
      expectResult(await fixture.tsd("run", "--rm", fixture.image, ...ask), { stdout: "hello web\n" });
      await fixture.remove("web");
    },
    "UDP: a client that keeps sending reaches the next container with the port": async (fixture) => {
      const port = freePort();
      await using sender = await Sender.open("127.0.0.1", port);
      for (const name of ["one", "two"]) {
        const run = ["run", "-d", "--name", name, "-p", `${port}:53/udp`, fixture.image, "sleep", "1000"];
        expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
        const key = (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", name)).stdout.trim();
        await using _echo = echoDatagrams(key, 53);
        await fixture.until(`an answer of ${name} to the same socket`, async () => await sender.ask(name) === name);
        for (const address of ["127.0.0.1", hostAddress(), "::1"]) {
          await using other = await Sender.open(address, port);
          await fixture.until(`an answer over ${address}`, async () => await other.ask("ping") === "ping");
        }
        await fixture.remove(name);
      }
    },
    "ranges, automatically chosen ports, all exposed ports": async (fixture) => {
      const first = freePort();
      await serve(fixture, "one", ["-p", `${first}-${first + 3}:80`]);
      await serve(fixture, "two", ["-p", `${first}-${first + 3}:80`]);
      const numbers = [await hostPort(fixture, "one", "80"), await hostPort(fixture, "two", "80")];
      assert.notEqual(numbers[0], numbers[1]);
      for (const number of numbers) assert.ok(first <= number && number <= first + 3, String(number));
      assert.equal(await answer("127.0.0.1", numbers[1]!), "hello two\n");
      await serve(fixture, "any", ["-p", "80", "--expose", "81"]);
      assert.equal(await answer("127.0.0.1", await hostPort(fixture, "any", "80")), "hello any\n");
      expectResult(await fixture.tsd("ps", "--format", "{{.Ports}}", "--filter", "name=any"), {
        stdout: /^81\/tcp, 0\.0\.0\.0:\d+->80\/tcp, \[::\]:\d+->80\/tcp\n$/,
      });
      await serve(fixture, "all", ["-P", "--expose", "80-81"]);
      assert.equal(await answer("127.0.0.1", await hostPort(fixture, "all", "80")), "hello all\n");
      assert.ok(await hostPort(fixture, "all", "81") > 0);
      await fixture.remove("one", "two", "any", "all");
    },
    "conflicts with another container and with another program; a failed start leaves nothing behind": async (
      fixture,
    ) => {
      const port = freePort();
      await serve(fixture, "web", ["-p", `${port}:80`]);
      const run = ["run", "--name", "late", "-p", `${port}:80`, fixture.image, "true"];
      const failed = { code: 125, stderr: bindFailure(port) };
      expectResult(await fixture.tsd(...run), failed);
      await fixture.remove("late");
      expectResult(await fixture.docker(...run), failed);
      await fixture.remove("late", "web");
      using own = Deno.listen({ hostname: "0.0.0.0", port: 0 });
      expectResult(await fixture.tsd("run", "--name", "late", "-p", `${own.addr.port}:80`, fixture.image, "true"), {
        code: 125,
        stderr: /failed to bind host port for 0\.0\.0\.0:\d+:[\d.]+:80\/tcp: address already in use\n/,
      });
      await fixture.remove("late");
    },
    "stop and start; a killed engine and the next one": async (fixture) => {
      const port = freePort();
      await serve(fixture, "web", ["-p", `${port}:80`]);
      expectResult(await fixture.tsd("stop", "-t", "0", "web"), { stdout: "web\n" });
      await refused("127.0.0.1", port);
      expectResult(await fixture.tsd("start", "web"), { stdout: "web\n" });
      await listens(fixture, "127.0.0.1", port);
      await fixture.engine.stop("SIGKILL");
      assert.equal(await answer("127.0.0.1", port), "hello web\n");
      await fixture.engine.start();
      assert.equal(await answer("::1", port), "hello web\n");
      expectResult(await fixture.tsd("run", "--name", "late", "-p", `${port}:80`, fixture.image, "true"), {
        code: 125,
        stderr: bindFailure(port),
      });
      await fixture.remove("web", "late");
      await refused("127.0.0.1", port);
    },
    "on the host's network published ports are discarded with a warning": async (fixture) => {
      const run = ["run", "--rm", "--network", "host", "-p", "80", fixture.image, "true"];
      expectResult(await fixture.tsd(...run), {
        stderr: "WARNING: Published ports are discarded when using host network mode\n",
      });
    },
  },
  "ip",
  "nft",
);

/** Echoes datagrams in a network namespace. */
function echoDatagrams(namespace: string, port: number): AsyncDisposable {
  const program = `const { createSocket } = await import("node:dgram"); const socket = createSocket("udp4");
    socket.on("message", (text, { port, address }) => socket.send(text, port, address)); socket.bind(${port});`;
  const args = [`--net=${namespace}`, "--", Deno.execPath(), "eval", program];
  const child = new Deno.Command("nsenter", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** A socket that sends datagrams from one port to another. */
class Sender implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #answers: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message) => void this.#answers.push(message.toString()));
  }

  static async open(address: string, port: number): Promise<Sender> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    // The port may be closed still.
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.connect(port, address, () => resolve()));
    return new Sender(socket);
  }

  /** Sends a text, and returns the last answer; empty after a timeout. */
  async ask(text: string): Promise<string> {
    this.#socket.send(text);
    for (const deadline = new Deadline(300); this.#answers.at(-1) !== text && !deadline.isOver;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.#answers.at(-1) ?? "";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
