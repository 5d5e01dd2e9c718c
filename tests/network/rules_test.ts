/** The engine's firewall rules beside those of others, in a private network namespace. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { tracesOf } from "../harness/mod.ts";
import { inNamespace, Namespace, ruleTableOf } from "./private_namespace.ts";
import { addressOf, greeter } from "./traffic.ts";

const PORT = 8080;
const ICC_OFF = "com.docker.network.bridge.enable_icc=false";
const OTHERS = "table inet others {\n\tchain a {\n\t\ttcp dport 4 drop\n\t}\n}\n";

/** Runs a container that sends a greeting on a published port, and checks that it can be reached. */
async function publish(fixture: Fixture, box: Namespace, name = "web", port = PORT, flags: readonly string[] = []) {
  const run = ["run", "-d", "--name", name, "-p", `${port}:80`, ...flags, fixture.image, ...greeter(name)];
  expectResult(await fixture.tsd(...run), { stdout: /^[0-9a-f]{64}\n$/ });
  await answers(fixture, box, "127.0.0.1", port, `hello ${name}\n`);
}

const answers = (fixture: Fixture, from: Namespace, address: string, port = PORT, text = "hello web\n") =>
  fixture.until(`an answer of ${address}:${port}`, async () => await from.ask(address, port) === text);

/** Sorts the lines: elements of sets are listed in the order of their addition. */
const sorted = (rules: string) =>
  rules.split("\n").map((line) => line.replace(/^\s*(elements = \{ )?/, "").replace(/[ ,}]*$/, "")).toSorted();

/** Reloads the rules alone, without the engine's sockets, which answer too. */
const rulesOf = async (fixture: Fixture, box: Namespace) =>
  (await box.run("nft", "list", "table", "inet", ruleTableOf(fixture))).stdout;
const hasRules = async (fixture: Fixture, box: Namespace) =>
  /tcp \. 8080 : [\d.]+ \. 80/.test(await rulesOf(fixture, box));

scenario(
  "networks: rules",
  {
    "flushed rules are restored automatically; rules of others are not touched": inNamespace(async (fixture, box) => {
      await publish(fixture, box);
      // The first network is created with the rules, later ones without nft: the result must be the same.
      for (const [at, flags] of [["--ipv6"], ["--internal", "--ipv6"], ["-o", ICC_OFF]].entries()) {
        const subnets = ["--subnet", `10.213.${30 + at}.0/24`, "--subnet", `fd5a:213:${30 + at}::/64`];
        const create = ["network", "create", ...flags, ...subnets.slice(0, at < 2 ? 4 : 2), `net${at}`];
        expectResult(await fixture.tsd(...create), { stdout: /^[0-9a-f]{64}\n$/ });
      }
      const before = sorted(await rulesOf(fixture, box));
      const isBack = () =>
        fixture.until("the rules", async () => `${sorted(await rulesOf(fixture, box))}` === `${before}`);
      await box.must("sh", "-c", `nft flush ruleset; printf '${OTHERS.replaceAll("\n", "\\n")}' | nft -f -`);
      await isBack();
      await box.must("nft", "flush", "chain", "inet", ruleTableOf(fixture), "forward");
      await isBack();
      for (const map of ["everywhere", "staying6"]) {
        await box.must("nft", "flush", map === "everywhere" ? "map" : "set", "inet", ruleTableOf(fixture), map);
        await isBack();
      }
      expectResult(await fixture.tsd("network", "rm", "net0", "net1", "net2"), { stdout: "net0\nnet1\nnet2\n" });
      assert.doesNotMatch(await rulesOf(fixture, box), /10\.213\.|fd5a:213:/);
      assert.equal(await box.must("nft", "list", "table", "inet", "others"), OTHERS);
    }),
    "network reload": inNamespace(async (fixture, box) => {
      expectResult(await fixture.tsd("network", "reload"), {
        stdout: "Loaded the rules of 0 bridges and 0 published ports\n",
      });
      await publish(fixture, box);
      await box.setting(`ipv4/conf/tsd${tracesOf(fixture.engine.dataRoot).engineId}0/route_localnet`, "0");
      expectResult(await fixture.tsd("network", "reload"), {
        stdout: "Loaded the rules of 1 bridge and 1 published port\n",
      });
      await answers(fixture, box, "127.0.0.1");
      assert.ok(await hasRules(fixture, box));
    }),
    "ports are published and removed one by one, 200 of them, of all protocols": inNamespace(async (fixture, box) => {
      await publish(fixture, box);
      const flags = ["-p", "20000-20199:1-200", "-p", "20200-20201:80-81/udp", "-p", "20202:80/sctp"];
      expectResult(await fixture.tsd("run", "-d", "--name", "many", ...flags, fixture.image, ...greeter("many")), {
        stdout: /^[0-9a-f]{64}\n$/,
      });
      await answers(fixture, box, "127.0.0.1", 20_079, "hello many\n");
      const address = (await addressOf(fixture, "many")).replaceAll(".", "\\.");
      const rules = await rulesOf(fixture, box);
      assert.equal(rules.match(new RegExp(`tcp \\. 20\\d+ : ${address} \\. \\d+`, "g"))?.length, 200);
      assert.match(rules, new RegExp(`udp \\. 20201 : ${address} \\. 81`));
      assert.match(rules, new RegExp(`sctp \\. 20202 : ${address} \\. 80`));
      expectResult(await fixture.tsd("run", "--name", "late", "-p", "20202:80/sctp", fixture.image, "true"), {
        code: 125,
        stderr: /Bind for 0\.0\.0\.0:20202 failed: port is already allocated\n/,
      });
      await fixture.remove("many", "late");
      const left = await rulesOf(fixture, box);
      assert.doesNotMatch(left, / 20\d\d\d /);
      assert.match(left, /tcp \. 8080 : /);
      await answers(fixture, box, "127.0.0.1");
    }),
    "forwarding is enabled for containers only, and disabled again": inNamespace(async (fixture, box) => {
      await using inside = await Namespace.make();
      await using outside = await Namespace.make();
      await box.connect(inside, "in0", "192.0.2.1/25", "192.0.2.2/25");
      await box.connect(outside, "out0", "192.0.2.129/25", "192.0.2.130/25");
      // The links are virtual here: the rules for the machine's interfaces apply to those on top.
      await asHardware(box, inside, "in0", "198.51.100.1/25", "198.51.100.2/25");
      await asHardware(box, outside, "out0", "198.51.100.129/25", "198.51.100.130/25");
      await using _out = outside.serve(90, "hello outside");
      assert.equal(await box.setting("ipv4/ip_forward"), "0");
      await publish(fixture, box);
      assert.equal(await box.setting("ipv4/ip_forward"), "1");
      await answers(fixture, inside, "198.51.100.1");
      await answers(fixture, box, "198.51.100.130", 90, "hello outside\n");
      expectResult(await fixture.tsd("exec", "web", "nc", "-w", "2", "198.51.100.130", "90"), {
        stdout: "hello outside\n",
      });
      assert.equal(await inside.ask("198.51.100.130", 90), "");
      await fixture.engine.restart("SIGKILL");
      assert.equal(await inside.ask("198.51.100.130", 90), "");
      await fixture.remove("web");
      await fixture.engine.stop();
      assert.equal(await box.setting("ipv4/ip_forward"), "0");
      // Forwarding that the administrator enabled lets packets pass.
      await box.setting("ipv4/ip_forward", "1");
      await fixture.engine.start();
      await publish(fixture, box);
      assert.equal(await inside.ask("198.51.100.130", 90), "hello outside\n");
    }),
    "a container cannot reach the host's 127.0.0.1, although its bridge routes there": inNamespace(
      async (fixture, box) => {
        await publish(fixture, box);
        const format = "{{.NetworkSettings.SandboxKey}} {{.NetworkSettings.Gateway}}";
        const [key, gateway] = (await fixture.tsd("inspect", "-f", format, "web")).stdout.trim().split(" ");
        await using _secret = box.serve(91, "secret");
        await answers(fixture, box, "127.0.0.1", 91, "secret\n");
        // A container with all rights in its network namespace.
        const attack = "ip route del local 127.0.0.0/8 dev lo table local; ip route add 127.0.0.1 via $1; " +
          "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; busybox nc -w 1 127.0.0.1 91";
        const said = await box.run("nsenter", `--net=${key}`, "--", "sh", "-c", attack, "sh", gateway!);
        assert.equal(said.stdout, "");
        assert.match(await rulesOf(fixture, box), /iifname @bridges ip daddr 127\.0\.0\.0\/8 drop/);
      },
    ),
    "the next engine removes what a killed one left": inNamespace(async (fixture, box) => {
      await publish(fixture, box);
      await fixture.engine.removeContainers();
      await fixture.engine.stop("SIGKILL");
      await box.must("ip", "link", "del", `tsd${tracesOf(fixture.engine.dataRoot).engineId}0`);
      assert.notEqual(await rulesOf(fixture, box), "");
      await fixture.engine.start();
      assert.equal(await rulesOf(fixture, box), "");
    }),
    "with dockerd's drop policy, one rule in DOCKER-USER lets containers through, and is removed again": inNamespace(
      (fixture, box) =>
        besideDocker(fixture, box, {
          ...{ program: "iptables", external: "203.0.113.0/24", run: [] },
          cable: ["192.0.2.1/24", "192.0.2.2/24"],
        }),
    ),
    "the same for IPv6": inNamespace(async (fixture, box) => {
      await fixture.tsd(
        "network",
        "create",
        "--ipv6",
        "--subnet",
        "fd5a:213:29::/64",
        "--subnet",
        "10.213.29.0/24",
        "six",
      );
      await besideDocker(fixture, box, {
        ...{ program: "ip6tables", external: "2001:db8:7::/64", run: ["--network", "six"] },
        cable: ["2001:db8::1/64", "2001:db8::2/64"],
      });
      await fixture.engine.removeContainers();
      await fixture.tsd("network", "rm", "six");
    }),
  },
  "ip",
  "nft",
  "iptables",
);

interface Beside {
  readonly program: string;
  /** The address that another program's rule drops. */
  readonly external: string;
  /** The container's flags. */
  readonly run: readonly string[];
  /** Addresses of the link from this machine to another one. */
  readonly cable: readonly [managed: string, theirs: string];
}

async function besideDocker(
  fixture: Fixture,
  box: Namespace,
  { program, external, run, cable }: Beside,
): Promise<void> {
  const [managed, theirs] = cable.map((each) => each.replace(/\/.*/, "")) as [string, string];
  await using outside = await Namespace.make();
  // Without duplicate address detection, addresses are usable at once.
  for (const each of [box, outside]) await each.setting("ipv6/conf/default/accept_dad", "0");
  await box.connect(outside, "out0", ...cable);
  await using _out = outside.serve(90, "hello outside");
  const out = async () => (await fixture.tsd("exec", "web", "nc", "-w", "1", theirs, "90")).stdout !== "";
  await publish(fixture, box, "web", PORT, run);
  assert.ok(await out());
  for (const kind of ["nft", "legacy"]) {
    const iptables = async (...args: string[]) => await box.must(`${program}-${kind}`, ...args);
    // As dockerd creates it, with a user's rule.
    await iptables("-N", "DOCKER-USER");
    await iptables("-A", "DOCKER-USER", "-s", external, "-j", "DROP");
    await iptables("-A", "DOCKER-USER", "-j", "RETURN");
    await iptables("-A", "FORWARD", "-j", "DOCKER-USER");
    const before = await iptables("-S", "DOCKER-USER");
    await iptables("-P", "FORWARD", "DROP");
    if (kind === "legacy") expectResult(await fixture.tsd("network", "reload"), { stdout: /1 bridge/ });
    await fixture.until(`the rule of ${kind}`, async () => await iptables("-S", "DOCKER-USER") !== before);
    const lines = (await iptables("-S", "DOCKER-USER")).trim().split("\n");
    const mark = `-m mark --mark 0x2000/0x2000 -m comment --comment "${ruleTableOf(fixture)}: let containers through"`;
    assert.equal(lines[2], `-A DOCKER-USER ${mark} -j ACCEPT`);
    assert.equal(lines.filter((line) => !line.includes("tsd-")).join("\n") + "\n", before);
    await fixture.until("a way out", out);
    await answers(fixture, outside, managed);
    await fixture.engine.restart("SIGKILL");
    assert.equal((await iptables("-S", "DOCKER-USER")).trim().split("\n").length, lines.length);
    assert.ok(await out());
    await iptables("-P", "FORWARD", "ACCEPT");
    await fixture.remove("web");
    await fixture.engine.restart();
    assert.equal(await iptables("-S", "DOCKER-USER"), before);
    for (const args of [["-F"], ["-X"]]) await iptables(...args);
    await publish(fixture, box, "web", PORT, run);
  }
}

/** Creates a macvlan on a veth link, which counts as one of the machine's interfaces. */
async function asHardware(
  box: Namespace,
  other: Namespace,
  link: string,
  managed: string,
  theirs: string,
): Promise<void> {
  for (const [side, lower, address] of [[box, link, managed], [other, "eth0", theirs]] as const) {
    await side.must("ip", "link", "add", "link", lower, "name", `${lower}.7`, "type", "macvlan", "mode", "bridge");
    await side.must("ip", "addr", "add", address, "dev", `${lower}.7`);
    await side.must("ip", "link", "set", `${lower}.7`, "up");
  }
  await other.must("ip", "route", "replace", "default", "via", managed.replace(/\/.*/, ""));
}
