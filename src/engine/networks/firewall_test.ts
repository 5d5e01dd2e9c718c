import { strict as assert } from "node:assert";
import type { Family } from "../../network/address.ts";
import { SILENT_LOG } from "../../log.ts";
import type { ElementChange, MapElement } from "../../network/nft_messages.ts";
import type { RuledBridge, RuledPort } from "../../network/ruleset.ts";
import { SysError } from "../../sys/mod.ts";
import { Firewall } from "./firewall.ts";

const BRIDGE: RuledBridge = {
  ...{
    name: "b0",
    subnet: "10.0.0.0/24",
    six: undefined,
    internal: false,
    connectsContainers: true,
    masquerades: true,
    nameServers: [],
  },
};
const port = (hostPort: number, address = "10.0.0.2"): RuledPort => ({
  ...{ protocol: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort, address, six: undefined },
});

const elementText = ({ map, text }: MapElement) => `${map}: ${text}`;

/** A firewall whose loads end when they are told to; changes of elements are done at once. */
function bench() {
  const loads: string[] = [];
  const changes: ElementChange[] = [];
  const waiting: { resolve: () => void; reject: (why: Error) => void }[] = [];
  let present = {
    table: "t",
    bridges: [] as RuledBridge[],
    ports: [] as RuledPort[],
    guardsForwarding: [] as Family[],
  };
  let refusal: Error | undefined;
  const firewall = new Firewall({
    log: SILENT_LOG,
    run: (_attempt, _words, input) => {
      loads.push(input);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    kernel: {
      changeElements: (change) => {
        if (refusal !== undefined) return Promise.reject(refusal);
        changes.push(change);
        return Promise.resolve();
      },
      removeTable: () => Promise.resolve(),
    },
    present: () => present,
  });
  return {
    firewall,
    loads,
    changes,
    set: (now: Partial<typeof present>) => present = { ...present, ...now },
    refuse: (why: Error) => refusal = why,
    /** Ends the load that runs, once it has begun. */
    async end(why?: Error) {
      while (waiting.length === 0) await Promise.resolve();
      const { resolve, reject } = waiting.shift()!;
      if (why === undefined) resolve();
      else reject(why);
    },
  };
}

Deno.test("what changes while rules are loaded is changed once, afterwards; networks without a load", async () => {
  const { firewall, loads, changes, set, end } = bench();
  const first = firewall.update();
  while (loads.length === 0) await Promise.resolve();
  set({ bridges: [BRIDGE] });
  const second = firewall.update();
  set({ bridges: [{ ...BRIDGE, name: "b1" }] });
  const third = firewall.update();
  await end();
  await Promise.all([first, second, third]);
  assert.deepEqual(changes.map(({ added, removed }) => [added.map(elementText), removed]), [[
    [
      ...['bridges: "b1"', 'open: "b1"', 'connected: "b1" . "b1"', "within: 10.0.0.0/24 . 10.0.0.0/24"],
      ...["hidden: 10.0.0.0/24", 'staying: 10.0.0.0/24 . "b1"'],
    ],
    [],
  ]]);
  set({ bridges: [] });
  await firewall.update();
  assert.deepEqual(changes[1]!.removed.map(elementText), changes[0]!.added.map(elementText));
  set({ guardsForwarding: [4] });
  const other = firewall.update();
  await end();
  await other;
  assert.equal(loads.length, 2);
});

Deno.test("ports are changed without a load, several at once", async () => {
  const { firewall, loads, changes, set, end } = bench();
  set({ bridges: [BRIDGE], ports: [port(8080)] });
  const first = firewall.update();
  await end();
  await first;
  set({ ports: [port(8080), port(8081)] });
  const both = [firewall.update()];
  set({ ports: [port(8080, "10.0.0.3"), port(8081), port(8082)] });
  both.push(firewall.update());
  await Promise.all(both);
  assert.equal(loads.length, 1);
  const texts = (of: "added" | "removed") => changes.map((change) => change[of].map(({ text }) => text));
  assert.deepEqual(texts("removed"), [["tcp . 8080 : 10.0.0.2 . 80"]]);
  assert.deepEqual(texts("added"), [
    ["tcp . 8080 : 10.0.0.3 . 80", "tcp . 8081 : 10.0.0.2 . 80", "tcp . 8082 : 10.0.0.2 . 80"],
  ]);
});

Deno.test("where the kernel has something else, the rules are loaded whole", async () => {
  const { firewall, loads, set, end, refuse } = bench();
  const first = firewall.update();
  await end();
  await first;
  refuse(SysError.named("nf_tables", "ENOENT"));
  set({ ports: [port(8080)] });
  const second = firewall.update();
  await end();
  await second;
  assert.match(loads[1]!, /tcp \. 8080 : 10\.0\.0\.2 \. 80/);
});

Deno.test("the same rules are loaded once, unless they may have been removed", async () => {
  const { firewall, loads, end } = bench();
  const first = firewall.update();
  await end();
  await first;
  await firewall.update();
  assert.equal(loads.length, 1);
  const again = firewall.reload();
  await end();
  await again;
  assert.equal(loads.length, 2);
});

Deno.test("a load that failed is tried again with the next change", async () => {
  const { firewall, loads, end } = bench();
  const failed = assert.rejects(firewall.update(), /no nft/);
  await end(new Error("no nft"));
  await failed;
  const next = firewall.update();
  await end();
  await next;
  assert.equal(loads.length, 2);
});

Deno.test("changes of others are told from its own", async () => {
  const { firewall, end } = bench();
  const own = new Set(["t"]);
  assert.equal(firewall.isDamagedBy(own), false, "nothing is loaded yet");
  const loading = firewall.update();
  await end();
  await loading;
  assert.equal(firewall.isDamagedBy(own), false, "its own load");
  assert.equal(firewall.isDamagedBy(new Set(["other"])), false);
  assert.equal(firewall.isDamagedBy(own), true);
  assert.equal(firewall.isDamagedBy(undefined), true, "changes that were missed");
});

Deno.test("a change of others counts also while rules are loaded: it may have come after the kernel took them", async () => {
  const { firewall, loads, end } = bench();
  const first = firewall.update();
  while (loads.length === 0) await Promise.resolve();
  const damages = () => [firewall.isDamagedBy(new Set(["t"])), firewall.isDamagedBy(new Set(["other"]))];
  // Its own one, and another.
  assert.deepEqual([damages(), damages()], [[false, false], [true, false]]);
  await end();
  await first;
});
