import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import type { NameRequest } from "../../network/dns/control.ts";
import { type NameTable, NO_NAMES } from "../../network/dns/name_table.ts";
import { type NameChannel, NameService } from "./embedded_dns.ts";

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
  const asked: NameRequest[] = [];
  const opened: boolean[] = [];
  const ends: (() => void)[] = [];
  const state = { present: NO_NAMES, isThere: false, fails: false };
  const open = (start: boolean): Promise<NameChannel | undefined> => {
    opened.push(start);
    if (!state.isThere && !start) return Promise.resolve(undefined);
    state.isThere = true;
    const closed = Promise.withResolvers<void>();
    ends.push(closed.resolve);
    return Promise.resolve({
      closed: closed.promise,
      close: () => {},
      request: (request) => {
        if (state.fails) return Promise.reject(new Error("gone"));
        asked.push(request);
        return Promise.resolve({ troubles: [] });
      },
    });
  };
  const service = new NameService({ log: SILENT_LOG, open, present: () => state.present });
  return { asked, opened, ends, state, service };
}

Deno.test("names: nobody is started where nobody has a name, and nothing is told twice", async () => {
  const { service, state, asked, opened } = bench();
  await service.update();
  await service.update();
  assert.deepEqual([asked, opened], [[], [false]]);
  state.present = table("web");
  await Promise.all([service.update(), service.update(), service.update()]);
  await service.update();
  assert.deepEqual(asked, [{ table: table("web") }]);
  state.present = NO_NAMES;
  await service.update();
  assert.deepEqual(asked.at(-1), { table: NO_NAMES });
  assert.deepEqual(opened, [false, true]);
});

Deno.test("names: where whoever answers has gone, another one is told all again", async () => {
  const { service, state, asked, opened, ends } = bench();
  state.present = table("web");
  await service.update();
  ends[0]!();
  while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual([asked[1], opened], [{ table: table("web") }, [true, true]]);
});

Deno.test("names: a failure costs no start, and the next change tries again", async () => {
  const { service, state, asked } = bench();
  state.present = table("web");
  state.fails = true;
  await service.update();
  state.fails = false;
  await service.update();
  assert.deepEqual(asked, [{ table: table("web") }]);
});

Deno.test("names: an engine that ends takes along whoever answers for nobody, and no other", async () => {
  const { service, state, asked } = bench();
  state.present = table("web");
  await service.update();
  await service.leave();
  assert.deepEqual(asked.length, 1);
  const other = bench();
  other.state.isThere = true;
  await other.service.leave();
  assert.deepEqual(other.asked, [{ end: true }]);
});
