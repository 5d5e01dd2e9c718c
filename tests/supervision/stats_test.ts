/** `GET /containers/{id}/stats`, `tsd stats` and `docker stats` against a running engine. */
import { strict as assert } from "node:assert";
import { startSetup, until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { background, refused, succeeded } from "./setup.ts";

const needs = requires("root", "runc", "docker");
const MIB = 1 << 20;

interface Sample {
  readonly name: string;
  readonly id: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly cpu_stats: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly system_cpu_usage?: number;
    readonly online_cpus?: number;
  };
  readonly precpu_stats: Sample["cpu_stats"];
  readonly memory_stats: { readonly usage?: number; readonly limit?: number; readonly stats?: Record<string, number> };
  readonly networks: Record<string, unknown>;
}

/** Keeps one CPU busy. */
const BUSY = ["sh", "-c", "while :; do :; done"];
const LIMITED = { client: "docker", flags: ["--memory", "32m", "--pids-limit", "50"] } as const;

Deno.test({
  name: "stats: one complete sample, without stream, in one shot, of a stopped container",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await background(setup, "busy", { command: BUSY, ...LIMITED });
    const sample = async (query: string) => {
      const answer = await engine.api.get(`/containers/busy/stats?${query}`);
      assert.equal(answer.status, 200);
      const [only, ...more] = answer.jsonLines<Sample>();
      assert.deepEqual(more, []);
      return only;
    };
    const two = await sample("stream=0");
    assert.deepEqual([two.name, two.id, two.networks], ["/busy", id, {}]);
    assert.deepEqual([two.pids_stats.current, two.pids_stats.limit], [1, 50]);
    assert.equal(two.memory_stats.limit, 32 * MIB);
    assert(two.memory_stats.usage! > 0 && two.memory_stats.usage! < 32 * MIB);
    assert("total_inactive_file" in two.memory_stats.stats! || "inactive_file" in two.memory_stats.stats!);
    const ownNs = two.cpu_stats.cpu_usage.total_usage - two.precpu_stats.cpu_usage.total_usage;
    const share = ownNs / (two.cpu_stats.system_cpu_usage! - two.precpu_stats.system_cpu_usage!);
    assert(share > 0.05 && share * two.cpu_stats.online_cpus! < 1.5, `${share}`);
    const seconds = (Date.parse(two.read) - Date.parse(two.preread)) / 1000;
    assert(seconds > 0.9 && seconds < 10, `${seconds}`);

    // The kernel accounts for a process when it is switched out or at a tick: two quick samples may be equal.
    await until("the busy process to be accounted for", async () => {
      const one = await sample("stream=0&one-shot=1");
      assert.equal(one.precpu_stats.cpu_usage.total_usage, 0);
      assert(one.cpu_stats.cpu_usage.total_usage >= two.cpu_stats.cpu_usage.total_usage);
      return one.cpu_stats.cpu_usage.total_usage > two.cpu_stats.cpu_usage.total_usage;
    });
    succeeded(await engine.tsd(["kill", "busy"]));
    const none = await sample("stream=0");
    assert.deepEqual([none.id, none.memory_stats, none.read], [id, {}, "0001-01-01T00:00:00Z"]);
    assert.equal((await engine.api.get("/containers/busy/stats?stream=1&one-shot=1")).status, 400);
    assert.equal((await engine.api.get("/containers/nobody/stats")).status, 404);
  },
});

Deno.test({
  name: "stats: a stream continues across a restart and ends with the container",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await background(setup, "web");
    using stream = await engine.api.stream("GET", "/containers/web/stats");
    assert.equal(stream.status, 200);
    const usages: (number | undefined)[] = [];
    for await (const line of stream.lines()) {
      usages.push((JSON.parse(line) as Sample).memory_stats.usage);
      if (usages.length === 1) succeeded(await engine.tsd(["kill", "web"]));
      if (usages.length === 2) succeeded(await engine.tsd(["rm", "web"]));
    }
    assert.equal(usages.length, 2);
    assert(usages[0]! > 0);
    assert.equal(usages[1], undefined);
  },
});

Deno.test({
  name: "stats: both clients print the same table",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await background(setup, "idle", LIMITED);
    succeeded(await engine.tsd(["create", "--network", "none", "--name", "never", setup.image, "true"]));
    for (const client of ["docker", "tsd"] as const) {
      const [head, ...rows] = succeeded(await engine[client](["stats", "--no-stream"])).trim().split("\n");
      assert.match(head, /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/);
      assert.equal(rows.length, 1);
      assert.match(rows[0], new RegExp(`^${id.slice(0, 12)} +idle +\\d+\\.\\d\\d% +[0-9.]+[KM]iB / 32MiB +.* 1$`));
      const all = succeeded(await engine[client](["stats", "--no-stream", "-a", "--format", "json"]));
      const names = all.trim().split("\n").map((line) => (JSON.parse(line) as { Name: string }).Name);
      assert.deepEqual(names.toSorted(), ["idle", "never"], client);
      refused(await engine[client](["stats", "--no-stream", "nobody"]), "No such container: nobody");
    }
    await using live = engine.session("tsd", ["stats", "idle"]);
    await live.waitFor("idle");
    succeeded(await engine.tsd(["rm", "-f", "idle"]));
    assert.equal((await live.wait()).code, 0);
  },
});
