import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { NameRequest } from "../../network/dns/control.ts";
import { type NameTable, NO_NAMES } from "../../network/dns/name_table.ts";
import { type DnsChannel, EmbeddedDns } from "./embedded_dns.ts";

const table = (...names: string[]): NameTable => ({
  networks: [],
  containers: names.map((name) => ({
    endpoints: [{ network: "n", names: [name], addresses: [] }],
    forwards: true,
    searchesFirst: false,
  })),
});

/** Whoever answers, as a recording. */
function bench() {
  const requested: NameRequest[] = [];
  const opened: boolean[] = [];
  const ends: (() => void)[] = [];
  const state = { present: NO_NAMES, exists: false, fails: false };
  const open = (start: boolean): Promise<DnsChannel | undefined> => {
    opened.push(start);
    if (!state.exists && !start) return Promise.resolve(undefined);
    state.exists = true;
    const closed = Promise.withResolvers<void>();
    ends.push(closed.resolve);
    return Promise.resolve({
      closed: closed.promise,
      close: () => {},
      request: (request) => {
        if (state.fails) return Promise.reject(new Error("gone"));
        requested.push(request);
        return Promise.resolve({ troubles: [] });
      },
    });
  };
  const service = new EmbeddedDns({ log: SILENT_LOG, open, present: () => state.present });
  return { requested, opened, ends, state, service };
}

Deno.test("names: nobody is started where nobody has a name, and nothing is told twice", async () => {
  const { service, state, requested, opened } = bench();
  await service.update();
  await service.update();
  assert.deepEqual([requested, opened], [[], [false]]);
  state.present = table("web");
  await Promise.all([service.update(), service.update(), service.update()]);
  await service.update();
  assert.deepEqual(requested, [{ table: table("web") }]);
  state.present = NO_NAMES;
  await service.update();
  assert.deepEqual(requested.at(-1), { table: NO_NAMES });
  assert.deepEqual(opened, [false, true]);
});

Deno.test("names: where whoever answers has gone, another one is told all again", async () => {
  const { service, state, requested, opened, ends } = bench();
  state.present = table("web");
  await service.update();
  ends[0]!();
  while (requested.length < 2) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual([requested[1], opened], [{ table: table("web") }, [true, true]]);
});

Deno.test("names: a failure costs no start, and the next change tries again", async () => {
  const { service, state, requested } = bench();
  state.present = table("web");
  state.fails = true;
  await service.update();
  state.fails = false;
  await service.update();
  assert.deepEqual(requested, [{ table: table("web") }]);
});

Deno.test("names: an engine that ends takes along whoever answers for nobody, and no other", async () => {
  const { service, state, requested } = bench();
  state.present = table("web");
  await service.update();
  await service.leave();
  assert.deepEqual(requested.length, 1);
  const other = bench();
  other.state.exists = true;
  await other.service.leave();
  assert.deepEqual(other.requested, [{ end: true }]);
});
