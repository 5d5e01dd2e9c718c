/** Subnet allocation when another engine, or other programs, have interfaces and routes on the same machine. */
import { strict as assert } from "node:assert";
import { expectResult } from "../cli/setup.ts";
import { startSetupWith } from "../engine/setup.ts";
import { type Engine, type RunResult, startEngine } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { overlaps, parseSubnet } from "../../src/network/address.ts";
import { Namespace } from "./private_namespace.ts";

/** Two engines in one network namespace; the first has an image. */
interface Pair extends AsyncDisposable {
  readonly first: Engine;
  readonly second: Engine;
  readonly image: string;
  readonly box: Namespace;
}

/** Hides the lock that the machine's engines share from an engine. */
const OWN_LOCK = (directory: string) =>
  `touch /run/.tsd-networks.lock ${directory}/lock; mount --bind ${directory}/lock /run/.tsd-networks.lock`;

async function startPair({ sharesLock = true } = {}): Promise<Pair> {
  await using undo = new AsyncDisposableStack();
  const box = undo.use(await Namespace.make());
  await box.setting("ipv4/ip_forward", "0");
  const directory = await Deno.makeTempDir({ prefix: "tsd-pair-" });
  undo.defer(() => removeTree(directory));
  const { engine: first, image } = undo.use(await startSetupWith(directory, sharesLock ? ":" : OWN_LOCK(directory)));
  first.namespace = box.path;
  await first.restart();
  const second = undo.use(await startEngine({ namespace: box.path }));
  const kept = undo.move();
  return { first, second, image, box, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Creates a network, optionally with Docker's client. */
const create = (engine: Engine, name: string, flags: readonly string[] = [], client: "tsd" | "docker" = "tsd") =>
  engine[client](["network", "create", ...flags, name]);

async function created(engine: Engine, name: string, ...flags: string[]): Promise<void> {
  expectResult(await create(engine, name, flags), { stdout: /^[0-9a-f]{64}\n$/ });
}

async function remove(engine: Engine, ...names: string[]): Promise<void> {
  expectResult(await engine.tsd(["network", "rm", ...names]), { stdout: names.map((name) => `${name}\n`).join("") });
}

/** Returns a network's subnets, IPv4 first. */
async function subnetsOf(engine: Engine, name: string): Promise<string[]> {
  const answer = await engine.api.get(`/networks/${name}`);
  return answer.json<{ IPAM: { Config: { Subnet: string }[] } }>().IPAM.Config.map(({ Subnet }) => Subnet);
}

async function bridgeOf(engine: Engine, name: string, box: Namespace): Promise<string> {
  const [subnet] = await subnetsOf(engine, name);
  const routes = await box.must("ip", "-o", "route", "show", subnet!);
  return / dev (\S+)/.exec(routes)![1]!;
}

/** Returns the subnets of all interfaces but loopback, without link-local ones. */
async function presentSubnets(box: Namespace): Promise<string[]> {
  const listed = await box.must("ip", "-o", "addr", "show", "scope", "global");
  return listed.trim().split("\n").map((line) => / inet6? (\S+)/.exec(line)![1]!);
}

function assertDisjoint(texts: readonly string[]): void {
  const subnets = texts.map(parseSubnet);
  const pairs = texts.flatMap((text, at) =>
    subnets.slice(at + 1).flatMap((other, more) =>
      overlaps(subnets[at]!, other) ? `${text} ${texts[at + 1 + more]}` : []
    )
  );
  assert.deepEqual(pairs, []);
}

/** Networks of each engine: as many as the pools allow, and some with subnets that both engines request. */
const [MIXED, ALL_NAMED] = [{ automatic: 15, named: 5 }, { automatic: 0, named: 20 }];
const namedPools = (at: number) => [{ Subnet: `10.213.${at}.0/24` }, { Subnet: `fd5a:213:${at}::/64` }];

async function createAtOnce(
  { first, second, box }: Pair,
  { automatic, named: namedCount }: { readonly automatic: number; readonly named: number },
): Promise<void> {
  const requests = [first, second].flatMap((engine) => [
    ...Array.from({ length: automatic }, (_, at) => ({ engine, Name: `auto${at}`, IPAM: {} })),
    ...Array.from(
      { length: namedCount },
      (_, at) => ({ engine, Name: `named${at}`, IPAM: { Config: namedPools(at) } }),
    ),
  ]);
  const answers = await Promise.all(requests.map(async ({ engine, ...request }) => {
    const { status, ...answer } = await engine.api.post("/networks/create", { ...request, EnableIPv6: true });
    return { engine, name: request.Name, status, text: new TextDecoder().decode(answer.body) };
  }));
  for (const { name, status, text } of answers) {
    if (name.startsWith("auto")) assert.equal(status, 201, text);
    else if (status !== 201) {
      assert.ok(
        status === 403 && /on this address space: \S+ is in use by (interface|a route through) tsd/.test(text),
        text,
      );
    }
  }
  const made = answers.filter(({ status }) => status === 201);
  const recorded = (await Promise.all(made.map(({ engine, name }) => subnetsOf(engine, name)))).flat();
  assertDisjoint(recorded);
  const present = await presentSubnets(box);
  assertDisjoint(present);
  assert.deepEqual(present.map((text) => parseSubnet(text)).length, recorded.length);
  const named = made.filter(({ name }) => name.startsWith("named")).map(({ name }) => name);
  assert.equal(new Set(named).size, named.length);
  for (const { engine, name } of made) await engine.api.delete(`/networks/${name}`);
  assert.equal(await box.must("sh", "-c", "ip -o link show type bridge"), "");
}

Deno.test(
  "two engines creating 20 networks each concurrently never use the same addresses",
  requires("root", "runc", "ip", "nft"),
  async () => {
    await using pair = await startPair();
    for (const counts of [MIXED, ALL_NAMED]) await createAtOnce(pair, counts);
  },
);

Deno.test(
  "two engines without a shared lock do not end up with the same addresses either",
  requires("root", "runc", "ip", "nft"),
  async () => {
    await using pair = await startPair({ sharesLock: false });
    for (const counts of [MIXED, MIXED, ALL_NAMED]) await createAtOnce(pair, counts);
  },
);

/** Expects one line that names what has the range. */
function expectRefused(result: RunResult, holder: string): void {
  const line =
    `invalid pool request: Pool overlaps with other one on this address space: ${holder}; give another --subnet`;
  assert.equal(result.code, 1, JSON.stringify(result));
  assert.ok(result.stderr.includes(line), result.stderr);
  assert.equal(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
}

/** Prevents leftovers of a failed step from failing others. */
async function cleanUp({ first, second, box }: Pair): Promise<void> {
  for (const engine of [first, second]) {
    await engine.removeContainers();
    await engine.tsd(["network", "prune", "-f"]);
  }
  const links = await box.must("ip", "-o", "link", "show", "type", "bridge");
  for (const [, name] of links.matchAll(/^\d+: ([^:@]+)/gm)) await box.must("ip", "link", "del", name!);
}

type Step = (pair: Pair) => Promise<void>;

const STEPS: Readonly<Record<string, Step>> = {
  "a subnet that another engine uses is refused, and its bridge named": async ({ first, second, box }) => {
    await created(first, "one", "--ipv6", "--subnet", "172.20.0.0/16", "--subnet", "fd5a:213:1::/64");
    const bridge = await bridgeOf(first, "one", box);
    for (const client of ["tsd", "docker"] as const) {
      expectRefused(
        await create(second, "two", ["--subnet", "172.20.7.0/24"], client),
        `172.20.0.0/16 is in use by interface ${bridge}`,
      );
      expectRefused(
        await create(second, "two", ["--ipv6", "--subnet", "fd5a:213::/32"], client),
        `fd5a:213:1::/64 is in use by interface ${bridge}`,
      );
    }
    assert.equal(
      (await second.api.post("/networks/create", { Name: "two", IPAM: { Config: [{ Subnet: "172.20.0.0/16" }] } }))
        .status,
      403,
    );
    expectResult(await second.tsd(["network", "ls", "-q", "-f", "type=custom"]), {});
    await remove(first, "one");
    await created(second, "two", "--subnet", "172.20.7.0/24");
    await remove(second, "two");
  },
  "a subnet of another network of the engine is refused, and that network named": async ({ first }) => {
    await created(first, "one", "--subnet", "10.213.1.0/24");
    expectRefused(await create(first, "two", ["--subnet", "10.213.0.0/16"]), "10.213.1.0/24 is in use by network one");
    await remove(first, "one");
  },
  "interfaces of other programs count, whether they are up or not": async ({ first, box }) => {
    await box.must("ip", "link", "add", "vpn0", "type", "bridge");
    await box.must("ip", "addr", "add", "172.17.3.1/24", "dev", "vpn0");
    await box.must("ip", "addr", "add", "fd5a:213:2::1/64", "dev", "vpn0");
    expectRefused(
      await create(first, "one", ["--subnet", "172.17.0.0/16"]),
      "172.17.3.0/24 is in use by interface vpn0",
    );
    expectRefused(
      await create(first, "one", ["--ipv6", "--subnet", "fd5a:213:2::/64"]),
      "fd5a:213:2::/64 is in use by interface vpn0",
    );
    await created(first, "one");
    assert.deepEqual(await subnetsOf(first, "one"), ["172.18.0.0/16"]);
    await remove(first, "one");
    await box.must("ip", "link", "del", "vpn0");
  },
  "routes through gateways: more specific ones refuse a subnet, others are avoided if possible": async (
    { first, box },
  ) => {
    await box.must("ip", "link", "add", "vpn0", "type", "bridge");
    await box.must("ip", "addr", "add", "10.99.0.1/24", "dev", "vpn0");
    await box.must("ip", "link", "set", "vpn0", "up");
    for (const route of ["10.213.0.0/16", "172.16.0.0/12"]) {
      await box.must("ip", "route", "add", route, "via", "10.99.0.2");
    }
    expectRefused(
      await create(first, "one", ["--subnet", "10.213.0.0/16"]),
      "10.213.0.0/16 is in use by a route through vpn0",
    );
    await created(first, "one", "--subnet", "10.213.1.0/24");
    await created(first, "two");
    assert.deepEqual(await subnetsOf(first, "two"), ["192.168.0.0/20"]);
    // The routes of a VPN for all traffic (OpenVPN's def1).
    for (const route of ["0.0.0.0/1", "128.0.0.0/1"]) await box.must("ip", "route", "add", route, "via", "10.99.0.2");
    await created(first, "three");
    assert.deepEqual(await subnetsOf(first, "three"), ["172.17.0.0/16"]);
    await remove(first, "one", "two", "three");
    await box.must("ip", "link", "del", "vpn0");
  },
  "a requested subnet that another engine uses meanwhile is reported at the start": async (
    { first, second, image, box },
  ) => {
    await created(first, "one", "--subnet", "10.213.1.0/24");
    expectResult(await first.tsd(["create", "--name", "web", "--network", "one", image, "true"]), {
      stdout: /^[0-9a-f]{64}\n$/,
    });
    await first.restart();
    await created(second, "two", "--subnet", "10.213.0.0/16");
    const bridge = await bridgeOf(second, "two", box);
    const line = new RegExp(
      `failed to set up container networking: Cannot make the bridge tsd\\S+ with 10\\.213\\.1\\.0/24: ` +
        `10\\.213\\.0\\.0/16 is in use by interface ${bridge}; remove that one, or make the network anew with another --subnet\n`,
    );
    for (const client of ["tsd", "docker"] as const) {
      expectResult(await first[client](["start", "-a", "web"]), { code: 1, stderr: line });
    }
    await remove(second, "two");
    expectResult(await first.tsd(["start", "-a", "web"]), {});
    await first.removeContainers();
    await remove(first, "one");
  },
  "an automatically chosen subnet is replaced if another engine uses it meanwhile": async (
    { first, second, image },
  ) => {
    await created(first, "one", "--ipv6");
    const [four, six] = await subnetsOf(first, "one");
    await first.restart();
    await created(second, "two", "--ipv6", "--subnet", four!, "--subnet", six!);
    const run = ["run", "--rm", "--network", "one", image, "ip", "-o", "addr", "show", "eth0"];
    const { stdout } = await first.tsd(run);
    const [fourNow, sixNow] = await subnetsOf(first, "one");
    assert.ok(fourNow !== four && sixNow !== six, `${fourNow} ${sixNow}`);
    for (const subnet of [fourNow!, sixNow!]) assert.ok(stdout.includes(subnet.replace(/0?\/\d+$/, "")), stdout);
    // It keeps its subnet from now on.
    await remove(second, "two");
    await first.restart();
    expectResult(await first.tsd(["run", "--rm", "--network", "one", image, "true"]), {});
    assert.deepEqual(await subnetsOf(first, "one"), [fourNow, sixNow]);
    await remove(first, "one");
  },
  "running containers keep the network's subnet: a removed bridge cannot be recreated with another one": async (
    { first, image, box },
  ) => {
    await created(first, "one");
    const bridge = await bridgeOf(first, "one", box);
    const run = ["run", "-d", "--network", "one", image, "sleep", "1000"];
    expectResult(await first.tsd(run), { stdout: /^[0-9a-f]{64}\n$/ });
    const [subnet] = await subnetsOf(first, "one");
    await box.must("ip", "link", "del", bridge);
    await box.must("ip", "link", "add", "vpn0", "type", "bridge");
    await box.must("ip", "addr", "add", subnet!, "dev", "vpn0");
    const { code, stderr } = await first.tsd(["run", "--rm", "--network", "one", image, "true"]);
    assert.equal(code, 125);
    assert.ok(
      stderr.includes(
        `${subnet} is in use by interface vpn0; remove that one, or stop the network's containers: then it gets another range\n`,
      ),
      stderr,
    );
    await box.must("ip", "link", "del", "vpn0");
    expectResult(await first.tsd(["run", "--rm", "--network", "one", image, "true"]), {});
    await first.removeContainers();
    await remove(first, "one");
  },
  "an existing interface does not become a network's bridge, and stays": async ({ first, second, image, box }) => {
    await box.must("ip", "link", "add", "mine0", "type", "bridge");
    const named = (name: string) => ["-o", `com.docker.network.bridge.name=${name}`];
    const refused = await create(first, "one", named("mine0"));
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /: Cannot make the bridge mine0: there is an interface of that name already; [^\n]+\n$/,
    );
    await created(first, "one", ...named("shared0"));
    assert.match((await create(first, "two", named("shared0"))).stderr, /networks have same bridge name\n$/);
    await first.restart();
    await created(second, "two", ...named("shared0"), "--subnet", "10.213.1.0/24");
    const { code, stderr } = await first.tsd(["run", "--rm", "--network", "one", image, "true"]);
    assert.equal(code, 125);
    assert.match(stderr, /: Cannot make the bridge shared0: there is an interface of that name already; [^\n]+\n$/);
    await remove(first, "one");
    assert.match(await box.must("ip", "-o", "addr", "show", "shared0"), /10\.213\.1\.1\/24/);
    await remove(second, "two");
    await box.must("ip", "link", "del", "mine0");
  },
};

Deno.test({
  name: "address ranges beside another engine and others",
  ...requires("root", "runc", "ip", "nft", "docker"),
  async fn(test) {
    await using pair = await startPair();
    for (const [name, step] of Object.entries(STEPS)) {
      await test.step(name, async () => {
        try {
          await step(pair);
          assert.equal(await pair.box.must("ip", "-o", "link", "show", "type", "bridge"), "");
        } finally {
          await cleanUp(pair);
        }
      });
    }
  },
});
