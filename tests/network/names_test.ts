/** Names of containers in user-defined networks, with real traffic on this machine. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { processIds } from "../harness/host_state.ts";
import { tracesOf } from "../harness/leftovers.ts";
import { answerTo, fakeServer, question, read, type Saying } from "../../src/network/dns/dns_testing.ts";
import { greeter } from "./traffic.ts";

/** Subnets outside of all pools, so that they do not conflict with other engines. */
const [ONE, TWO, THREE] = ["10.213.17.0/24", "10.213.18.0/24", "10.213.19.0/24"];

/**
 * Other names are resolved at the container's loopback device, where no server listens: nothing depends on the outside.
 */
const NOBODY = ["--dns", "127.0.0.1"];

async function greet(fixture: Fixture, name: string, ...flags: string[]): Promise<string> {
  const dns = flags.includes("--dns") ? [] : NOBODY;
  const run = ["run", "-d", "--name", name, ...dns, ...flags, fixture.image, ...greeter(name)];
  const result = await fixture.tsd(...run);
  expectResult(result, { stdout: /^[0-9a-f]{64}\n$/ });
  return result.stdout.trim();
}

/** Returns a server's greeting, requested from another container by any of its names; retries until it listens. */
async function hello(fixture: Fixture, from: string, to: string): Promise<string> {
  let said = "";
  await fixture.until("an answer", async () => {
    const { stdout, stderr } = await fixture.tsd("exec", from, "nc", "-w", "3", to, "80");
    said = stdout.trim() || stderr.trim();
    return stdout !== "" || stderr.includes("bad address");
  });
  return said;
}

/** Returns the addresses that a container resolves a name to. */
async function lookup(fixture: Fixture, from: string, name: string): Promise<string[]> {
  const { stdout } = await fixture.tsd("exec", from, "nslookup", name);
  return [...stdout.split(/\n\n/).slice(1).join("\n").matchAll(/^Address(?: \d+)?: (\S+)/gm)].map(([, each]) => each!);
}

async function namesProcess(fixture: Fixture): Promise<number | undefined> {
  const { runDir } = tracesOf(fixture.engine.dataRoot);
  for (const pid of await processIds()) {
    const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (command.includes(`\0--names\0${runDir}/`)) return pid;
  }
  return undefined;
}

async function addressIn(fixture: Fixture, container: string, network: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  return (await fixture.tsd("inspect", "-f", format, container)).stdout.trim();
}

interface Flood {
  readonly server: string;
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
}

/** Returns how many queries from a network namespace are answered. */
async function answered(namespace: string, { server, name, count, seconds }: Flood): Promise<number> {
  const tickMs = 10;
  const program = `const { createSocket } = await import("node:dgram"); const socket = createSocket("udp4");
    const message = new Uint8Array(${JSON.stringify([...question(name)])}); const ids = new Set(); let sent = 0;
    const end = () => { console.log(ids.size); Deno.exit(); };
    socket.on("message", (bytes) => { ids.add(bytes.readUInt16BE(0)); if (ids.size === ${count}) end(); });
    setInterval(() => { for (let at = 0; at < ${count * tickMs / 1000 / seconds} && sent < ${count}; at++, sent++) {
      new DataView(message.buffer).setUint16(0, sent); socket.send(message.slice(), 53, "${server}"); } }, ${tickMs});
    setTimeout(end, ${(seconds + 8) * 1000});`;
  const args = [`--net=${namespace}`, "--", Deno.execPath(), "eval", program];
  const { stdout } = await new Deno.Command("nsenter", { args, stdin: "null", stderr: "inherit" }).output();
  return Number(new TextDecoder().decode(stdout));
}

const resolvConf = async (fixture: Fixture, name: string) =>
  (await fixture.tsd("exec", name, "cat", "/etc/resolv.conf")).stdout;

scenario(
  "networks: names",
  {
    "containers resolve each other by name, alias, short ID and hostname; with tsd and with docker": async (
      fixture,
    ) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      const id = await greet(fixture, "web", "--network", "one", "--network-alias", "www", "--hostname", "host7");
      await greet(fixture, "other", "--network", "one");
      await greet(fixture, "apart");
      for (const name of ["web", "WWW", id.slice(0, 12), "host7", "web.one"]) {
        assert.equal(await hello(fixture, "other", name), "hello web", name);
      }
      assert.match(await hello(fixture, "apart", "web"), /bad address/);
      assert.match(await hello(fixture, "other", "apart"), /bad address/);
      const requested = ["run", "--rm", "--network", "one", fixture.image, "nc", "-w", "3", "web", "80"];
      for (const client of ["tsd", "docker"] as const) {
        expectResult(await fixture[client](...requested), { stdout: "hello web\n" });
      }
      const format = '{{json (index .NetworkSettings.Networks "one").DNSNames}}';
      expectResult(await fixture.docker("inspect", "-f", format, "web"), {
        stdout: `["web","www","${id.slice(0, 12)}","host7"]\n`,
      });
      await fixture.remove("web", "other", "apart");
      await fixture.tsd("network", "rm", "one");
    },
    "connect, disconnect, rename, stop and start take effect at once": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      await fixture.tsd("network", "create", "--subnet", TWO, "two");
      await greet(fixture, "web", "--network", "one");
      await greet(fixture, "other", "--network", "two");
      assert.match(await resolvConf(fixture, "other"), /^nameserver 10\.213\.18\.1$/m);
      assert.match(await hello(fixture, "other", "web"), /bad address/);
      expectResult(await fixture.tsd("network", "connect", "--alias", "store", "two", "web"), {});
      assert.equal(await hello(fixture, "other", "web"), "hello web");
      assert.equal(await hello(fixture, "other", "store"), "hello web");
      expectResult(await fixture.tsd("rename", "web", "shop"), {});
      assert.equal(await hello(fixture, "other", "shop"), "hello web");
      assert.match(await hello(fixture, "other", "web"), /bad address/);
      expectResult(await fixture.tsd("stop", "-t", "0", "shop"), { stdout: "shop\n" });
      assert.match(await hello(fixture, "other", "shop"), /bad address/);
      expectResult(await fixture.tsd("start", "shop"), { stdout: "shop\n" });
      assert.equal(await hello(fixture, "other", "store"), "hello web");
      expectResult(await fixture.tsd("network", "disconnect", "two", "shop"), {});
      assert.match(await hello(fixture, "other", "store"), /bad address/);
      expectResult(await fixture.tsd("network", "connect", "one", "other"), {});
      expectResult(await fixture.tsd("network", "disconnect", "two", "other"), {});
      assert.match(await resolvConf(fixture, "other"), /^nameserver 10\.213\.17\.1$/m);
      assert.equal(await hello(fixture, "other", "shop"), "hello web");
      await fixture.remove("shop", "other");
      await fixture.tsd("network", "rm", "one", "two");
    },
    "names are resolved while the engine is killed, restarted or reloaded": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      await greet(fixture, "web", "--network", "one");
      const id = (await fixture.tsd("inspect", "-f", "{{.State.Pid}}", "web")).stdout.trim();
      const inside = async (...command: string[]) => {
        const args = ["-t", id, "-n", "-m", ...command];
        return new TextDecoder().decode((await new Deno.Command("nsenter", { args }).output()).stdout);
      };
      const first = await namesProcess(fixture);
      assert.ok(first !== undefined);
      await fixture.engine.stop("SIGKILL");
      assert.match(await inside("nslookup", "web"), /Address(?: \d+)?: 10\.213\.17\.2/);
      await fixture.engine.start();
      assert.equal(await namesProcess(fixture), first);
      await greet(fixture, "late", "--network", "one");
      assert.equal(await hello(fixture, "web", "late"), "hello late");
      Deno.kill(fixture.engine.pid, "SIGHUP");
      assert.match(await inside("nslookup", "late"), /Address(?: \d+)?: 10\.213\.17\.3/);
      Deno.kill(first, "SIGKILL");
      await fixture.until("another one", async () => (await lookup(fixture, "web", "late")).includes("10.213.17.3"));
      await fixture.engine.stop();
      assert.match(await inside("nslookup", "late"), /Address(?: \d+)?: 10\.213\.17\.3/);
      await fixture.engine.start();
      await fixture.remove("web", "late");
      await fixture.tsd("network", "rm", "one");
      await fixture.engine.restart();
      assert.equal(await namesProcess(fixture), undefined);
    },
    "other names are resolved at --dns, but not without outgoing connectivity; 2,000 queries a second": async (
      fixture,
    ) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      // It has no containers, so its address is free.
      await fixture.tsd("network", "create", "--subnet", TWO, "two");
      await fixture.tsd("network", "create", "--subnet", THREE, "--internal", "three");
      const data = "192.0.2.77";
      const record = { name: "outside.example", type: "A", ttl: 5, data };
      const say: Saying = (
        requested,
      ) => [answerTo(requested, read(requested).questions[0]!.type === "A" ? [record] : [])];
      await using outside = await fakeServer(say, "10.213.18.1", 53);
      await greet(fixture, "web", "--network", "one", "--dns", "10.213.18.1");
      await greet(fixture, "inner", "--network", "three", "--dns", "10.213.18.1");
      assert.deepEqual(await lookup(fixture, "web", "outside.example"), [data]);
      const before = outside.requested.length;
      assert.match((await fixture.tsd("exec", "inner", "nslookup", "outside.example")).stdout, /SERVFAIL/);
      assert.equal(outside.requested.length, before);
      assert.deepEqual(await lookup(fixture, "inner", "inner"), [await addressIn(fixture, "inner", "three")]);
      const key = (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", "web")).stdout.trim();
      // On a busy machine, sending the queries may take longer than a second.
      const counts: number[] = [];
      while (counts.length < 5 && counts.at(-1) !== 2000) {
        counts.push(await answered(key, { server: "10.213.17.1", name: "web", count: 2000, seconds: 1 }));
      }
      assert.equal(counts.at(-1), 2000, counts.join(" "));
      await fixture.remove("web", "inner");
      await fixture.tsd("network", "rm", "one", "two", "three");
    },
    "resolv.conf: --dns, --dns-search, --dns-option; a file changed by hand is kept": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", ONE, "one");
      await fixture.tsd("network", "create", "--subnet", TWO, "two");
      const flags = ["--dns", "127.0.0.1", "--dns-search", "example.org", "--dns-option", "timeout:1"];
      await greet(fixture, "web", "--network", "one", ...flags);
      const expected = "nameserver 10.213.17.1\nnameserver 127.0.0.1\nsearch example.org\noptions timeout:1 ndots:0\n";
      assert.equal(await resolvConf(fixture, "web"), expected);
      await fixture.tsd("exec", "web", "sh", "-c", "echo '# mine' >>/etc/resolv.conf");
      expectResult(await fixture.tsd("network", "connect", "two", "web"), {});
      expectResult(await fixture.tsd("network", "disconnect", "one", "web"), {});
      assert.equal(await resolvConf(fixture, "web"), `${expected}# mine\n`);
      await fixture.remove("web");
      await fixture.tsd("network", "rm", "one", "two");
    },
  },
  "ip",
  "nft",
);
