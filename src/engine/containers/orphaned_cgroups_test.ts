import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import "../../sys/preopen_testing.ts";
import { processes } from "../../sys/mod.ts";
import { OrphanedCgroups } from "./orphaned_cgroups.ts";

/** A writable cgroup hierarchy that lets processes in without further ado. */
async function hierarchy(): Promise<string> {
  for (const path of ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]) {
    if (await Deno.stat(`${path}/cgroup.procs`).then(() => true, () => false)) return path;
  }
  throw new Error("This machine has no cgroups");
}

Deno.test("left cgroups: what is in them is killed, and they go; nothing else", requires("root"), async () => {
  const mount = await hierarchy();
  const parent = `tsd-test-${Deno.pid}`;
  const dirs = ["", "/c1", "/c1/below", "/c2"].map((name) => `${mount}/${parent}${name}`);
  for (const dir of dirs) await Deno.mkdir(dir);
  const sleeping = dirs.slice(1).map(() => new Deno.Command("sleep", { args: ["1000"] }).spawn());
  try {
    for (const [n, { pid }] of sleeping.entries()) {
      await Deno.writeTextFile(`${dirs[n + 1]}/cgroup.procs`, `${pid}\n`);
    }
    const left = new OrphanedCgroups((id) => `${parent}/${id}`, processes, () => Promise.resolve([mount]));
    const removal = left.remove("c1");
    const signals = await Promise.all(sleeping.slice(0, 2).map(({ status }) => status));
    await removal;
    assert.deepEqual(signals.map(({ signal }) => signal), ["SIGKILL", "SIGKILL"]);
    const names = (await Array.fromAsync(Deno.readDir(dirs[0]!))).filter(({ isDirectory }) => isDirectory);
    assert.deepEqual(names.map(({ name }) => name), ["c2"]);
    await left.remove("c1");
    await left.remove("never-was");
    assert.match(await Deno.readTextFile(`/proc/${sleeping[2]!.pid}/stat`), /\) S /);
  } finally {
    sleeping[2]!.kill("SIGKILL");
    await sleeping[2]!.status;
    await new OrphanedCgroups((id) => `${parent}/${id}`, processes, () => Promise.resolve([mount])).remove("c2");
    await Deno.remove(dirs[0]!);
  }
});
