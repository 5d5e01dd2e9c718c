import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { LinkKind } from "../../network/links.ts";
import { Forwarding } from "./forwarding.ts";

/** A machine with a setting and interfaces. */
function bench(value: string, isLocked = false) {
  const dir = Deno.makeTempDirSync({ prefix: "tsd-forwarding-" });
  const interfaces: LinkKind[] = [{ name: "eth0", kind: undefined }, { name: "bond0", kind: "bond" }];
  Deno.writeTextFileSync(`${dir}/setting`, value);
  const lock = Promise.withResolvers<void>();
  if (!isLocked) lock.resolve();
  const deps = {
    log: SILENT_LOG,
    mark: `${dir}/mark`,
    links: () => Promise.resolve(interfaces),
    lock: () => lock.promise.then(() => ({ [Symbol.dispose]: () => {} })),
    setting: `${dir}/setting`,
  };
  return {
    interfaces,
    unlock: () => lock.resolve(),
    setting: () => Deno.readTextFileSync(deps.setting).trim(),
    forwarding: () => new Forwarding(deps),
    [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }),
  };
}

Deno.test("forwarding that somebody else switched on is left alone, and not guarded", async () => {
  using machine = bench("1\n");
  const forwarding = machine.forwarding();
  forwarding.begin();
  assert.equal(forwarding.isManaged, false);
  await forwarding.end();
  assert.equal(machine.setting(), "1");
});

Deno.test("what an engine switched on is guarded by the next one too, and off again at the end", async () => {
  using machine = bench("0\n");
  machine.forwarding().begin();
  assert.equal(machine.setting(), "1");
  const next = machine.forwarding();
  next.begin();
  assert.equal(next.isManaged, true);
  await next.end();
  assert.deepEqual([machine.setting(), next.isManaged], ["0", false]);
});

Deno.test("it stays on while others may need it", async () => {
  using machine = bench("0\n");
  const forwarding = machine.forwarding();
  forwarding.begin();
  machine.interfaces.push({ name: "docker0", kind: "bridge" });
  await forwarding.end();
  assert.deepEqual([machine.setting(), forwarding.isManaged], ["1", true]);
  machine.interfaces.pop();
  await forwarding.end();
  assert.equal(machine.setting(), "0");
});

Deno.test("it stays on for an engine that makes its first bridge meanwhile", async () => {
  using machine = bench("0\n", true);
  const forwarding = machine.forwarding();
  forwarding.begin();
  const ended = forwarding.end();
  machine.interfaces.push({ name: "tsd0123450", kind: "bridge" });
  machine.unlock();
  await ended;
  assert.deepEqual([machine.setting(), forwarding.isManaged], ["1", true]);
});
