import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import { FirewallMonitor } from "./firewall_monitor.ts";

/** Rules with bridges, and a kernel in which others change things. */
function bench() {
  const clock = new FakeClock();
  const did: string[] = [];
  const doing = (what: string) => () => Promise.resolve(void did.push(what));
  let tell: (tables: ReadonlySet<string> | undefined) => void = () => assert.fail("nobody listens");
  const rules = new FirewallMonitor({
    ...{ log: SILENT_LOG, clock, hasBridges: () => true },
    firewall: {
      isLoaded: true,
      isDamagedBy: (tables) => tables?.has("own") ?? true,
      ...{ update: doing("update"), reload: doing("reload"), remove: doing("remove") },
    },
    kernel: { forgetFlows: (flows) => Promise.resolve(void did.push(...flows.map(({ address }) => address))) },
    docker: { isDue: false, settle: doing("settle"), remove: doing("give back") },
    watch: (onChange) => {
      tell = onChange;
      return { [Symbol.dispose]: () => void did.push("unwatch") };
    },
  });
  const change = (...tables: string[]) => tell(new Set(tables));
  return { clock, did, rules, change, lose: () => tell(undefined) };
}

Deno.test("several changes of others are answered once; those of strangers' tables not at all", async () => {
  const { clock, did, rules, change } = bench();
  await rules.update();
  change("strangers");
  for (let count = 0; count < 5; count++) change("own", "strangers");
  assert.equal(clock.nextInMs, 100);
  await clock.advance(100);
  assert.deepEqual(did, ["update", "settle", "reload"]);
  assert.equal(clock.nextInMs, undefined);
});

Deno.test("who undoes each repair is answered more and more slowly, until there is rest", async () => {
  const { clock, rules, change } = bench();
  await rules.update();
  const delays = [];
  for (let count = 0; count < 11; count++) {
    change("own");
    delays.push(clock.nextInMs);
    await clock.advance(clock.nextInMs!);
  }
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000]);
  await clock.advance(10_000);
  change("own");
  assert.equal(clock.nextInMs, 100);
});

Deno.test("changes of iptables' tables may be a dockerd's; what was missed may be anything", async () => {
  const { clock, did, rules, change, lose } = bench();
  await rules.update();
  change("filter");
  await clock.advance(100);
  assert.deepEqual(did.splice(0), ["update", "settle", "update"]);
  lose();
  await clock.advance(100);
  assert.deepEqual(did, ["settle", "update", "settle", "reload"]);
});

Deno.test("flows of datagrams are forgotten with their port", async () => {
  const { did, rules } = bench();
  const port = { containerPort: 80, hostIp: "0.0.0.0", hostPort: 8080, six: undefined };
  await rules.forget([
    { ...port, protocol: "tcp", address: "10.0.0.2" },
    { ...port, protocol: "udp", address: "10.0.0.3" },
  ]);
  assert.deepEqual(did, ["10.0.0.3"]);
});

Deno.test("at the end nothing is listened to, and nothing is done later", async () => {
  const { clock, did, rules, change } = bench();
  await rules.update();
  change("own", "filter");
  await rules.remove();
  assert.deepEqual(did, ["update", "unwatch", "give back", "remove"]);
  assert.equal(clock.nextInMs, undefined);
});
