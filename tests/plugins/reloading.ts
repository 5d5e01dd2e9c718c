/**
 * Runs containers while plugins of all kinds are replaced, disabled, enabled, removed and reinstalled: no run fails, no
 * operation bypasses a plugin, and a plugin that stays is notified of everything once.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture } from "../cli/setup.ts";
import { PROJECT_DIR } from "../../scripts/project.ts";
import { tracesOf } from "../harness/mod.ts";
import { exists } from "../engine/setup.ts";

const EVENTS = ["started", "exited", "removed"] as const;

/** Records each notification, and which process received it. */
const NOTES = `
const instance = crypto.randomUUID();
const note = (event) => ({ name, replayed }, { log }) => log.info(instance, event, name, replayed ?? false);
const events = ${JSON.stringify(EVENTS)};
const hooks = Object.fromEntries(events.map((event) => ["container." + event, note(event)]));`;

/** By name; \`n\` makes the file differ. */
const PLUGINS: Readonly<Record<string, (n: number) => string>> = {
  // Stays unchanged.
  watch: () => `${NOTES} export default { name: "watch", apiVersion: 1, hooks };`,
  notes: (n) => `${NOTES} export default { name: "notes", apiVersion: 1, version: "0.0.${n}", hooks };`,
  // Stays in use, whichever file it is.
  adjusts: (n) =>
    `export default { name: "adjusts", apiVersion: 1, required: true, order: "pre",
      hooks: { "container.create": () => ({ env: { ADJUSTED: "v${n}" } }) } };`,
  checks: (n) =>
    `export default { name: "checks", apiVersion: 1, version: "0.0.${n}", required: true, hooks: {
      "container.validate": ({ env }: any) => /^v\\d+$/.test(env.ADJUSTED) ? undefined : { refuse: "not adjusted" },
      "network.ready": () => {}, "container.exec": () => {} } };`,
};

const ALL = Object.keys(PLUGINS).length + 1;
const OWNER_GUARD = `${PROJECT_DIR}/examples/plugins/owner_guard.wasm`;

/** Changes of plugins, applied repeatedly. */
const CHANGES: readonly ((fixture: Fixture, n: number) => Promise<void>)[] = [
  (fixture, n) => install(fixture, "adjusts", n),
  (fixture) => done(fixture, "disable", "checks"),
  // A file that changes under the engine is detected at the next access.
  async (fixture, n) => {
    await Deno.writeTextFile(`${fixture.dir}/notes.ts`, PLUGINS.notes!(n), { mode: 0o644 });
    await Deno.rename(`${fixture.dir}/notes.ts`, `${fixture.engine.dataRoot}/plugins/notes.ts`);
    expectResult(await fixture.tsd("plugin", "ls", "-q"), { stdout: /notes/ });
  },
  (fixture) => done(fixture, "rm", "owner-guard"),
  (fixture) => done(fixture, "enable", "checks"),
  (fixture, n) => install(fixture, "checks", n),
  (fixture) => done(fixture, "install", OWNER_GUARD, "owner-guard"),
  (fixture) => done(fixture, "disable", "notes"),
  (fixture) => done(fixture, "enable", "notes"),
];

/** Runs that many containers, two at a time; returns how often plugins were changed meanwhile. */
export async function reloadUnderLoad(fixture: Fixture, containers: number): Promise<number> {
  for (const name of Object.keys(PLUGINS)) await install(fixture, name, 0);
  await done(fixture, "install", OWNER_GUARD, "owner-guard");
  let isOver = false;
  const changing = (async () => {
    let n = 0;
    for (; !isOver; n++) await CHANGES[n % CHANGES.length]!(fixture, n);
    return n;
  })();
  const numbers = Array.from({ length: containers }, (_, n) => n).values();
  const lanes = [0, 1].map(async () => {
    for (const n of numbers) {
      const flags = ["--name", `c${n}`, "--label", "owner=test"];
      expectResult(await fixture.run(["sh", "-c", "echo $ADJUSTED"], flags), { stdout: /^v\d+\n$/ });
    }
  });
  await Promise.all(lanes).finally(() => isOver = true);
  const changes = await changing;
  await everythingOnce(fixture, containers);
  await onlyOnce(fixture);
  // Each plugin has at most one process, whichever files it had before.
  assert.ok(await pluginProcesses(fixture) >= 1);
  await fixture.until("processes of replaced plugins to end", async () => await pluginProcesses(fixture) <= ALL);
  const listed = await fixture.tsd("plugin", "ls", "--format", "{{.Name}} {{.Failures}}");
  for (const name of Object.keys(PLUGINS)) {
    assert.match(listed.stdout, new RegExp(`^${name} 0$`, "m"));
    await done(fixture, "rm", name);
  }
  if (listed.stdout.includes("owner-guard")) await done(fixture, "rm", "owner-guard");
  await fixture.until("processes of plugins to end", async () => await pluginProcesses(fixture) === 0);
  const { engineId } = tracesOf(fixture.engine.dataRoot);
  for (const hierarchy of ["", "/memory"]) {
    assert.equal(await exists(`/sys/fs/cgroup${hierarchy}/tsd-${engineId}-plugins`), false);
  }
  return changes;
}

async function install(fixture: Fixture, name: string, n: number): Promise<void> {
  const path = `${fixture.dir}/${name}-${n}.ts`;
  await Deno.writeTextFile(path, PLUGINS[name]!(n));
  await done(fixture, "install", path, name);
  await Deno.remove(path);
}

async function done(fixture: Fixture, verb: string, what: string, name = what): Promise<void> {
  expectResult(await fixture.tsd("plugin", verb, what), { stdout: `${name}\n` });
}

/** Returns a plugin's notes: its process, event, container, whether it was notified late. */
async function notesOf(fixture: Fixture, name: string): Promise<string[][]> {
  const { stdout } = await fixture.tsd("plugin", "logs", name);
  return stdout.trimEnd().split("\n").map((line) => line.split(" ").slice(2));
}

/** Checks that the unchanged plugin was notified of each event once, by one process. */
async function everythingOnce(fixture: Fixture, containers: number): Promise<void> {
  const requested = EVENTS.length * containers;
  await fixture.until("all that is told", async () => (await notesOf(fixture, "watch")).length >= requested);
  const notes = await notesOf(fixture, "watch");
  assert.equal(new Set(notes.map(([instance]) => instance)).size, 1);
  const reported = notes.map(([, event, name, replayed]) => `${name} ${event} ${replayed}`).sort();
  const names = Array.from({ length: containers }, (_, n) => `c${n}`);
  assert.deepEqual(reported, names.flatMap((name) => EVENTS.map((event) => `${name} ${event} false`)).sort());
}

/** Checks that no process of the replaced plugin was notified of an event twice, including that a container runs. */
async function onlyOnce(fixture: Fixture): Promise<void> {
  const reported = (await notesOf(fixture, "notes")).map(([instance, event, name]) => `${instance} ${event} ${name}`);
  assert.deepEqual(reported.toSorted(), [...new Set(reported)].sort());
  assert.ok(
    new Set(reported.map((line) => line.split(" ")[0])).size > 1,
    "it was not replaced while it was told of anything",
  );
}

/** Returns the number of plugin processes. */
async function pluginProcesses(fixture: Fixture): Promise<number> {
  const all = await Array.fromAsync(Deno.readDir("/proc"));
  const parents = await Promise.all(
    all.filter(({ name }) => /^\d+$/.test(name)).map(async ({ name }) => {
      const [stat, command] = await Promise.all([`stat`, `cmdline`].map((file) =>
        // It may exit meanwhile.
        Deno.readTextFile(`/proc/${name}/${file}`).catch(() => "")
      ));
      return /plugin/i.test(command!) && Number(/\) \S (\d+)/.exec(stat!)?.[1]) === fixture.engine.pid;
    }),
  );
  return parents.filter(Boolean).length;
}
