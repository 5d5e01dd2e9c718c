/** Runs many containers with five plugins of all kinds, and compares the engine's resources before and after. */
import { strict as assert } from "node:assert";
import { PROJECT_DIR } from "../../scripts/project.ts";
import { type Holdings, holdingsOf, type Setup, untilSettled } from "../engine/setup.ts";

const FIVE: Readonly<Record<string, string>> = {
  adjusts: `"container.create": () => ({ env: { FROM_PLUGIN: "yes" } })`,
  requested:
    `"container.validate": ({ env }: any) => env.FROM_PLUGIN === "yes" ? undefined : { refuse: "not adjusted" },
    "api.request": () => {}`,
  counts: `"container.exited": async ({ id }: any, { storage }: any) => {
    await storage.set("ended", Number(await storage.get("ended") ?? 0) + 1);
    await storage.set("last", id);
  }`,
  reported:
    `"container.started": (c: any, { log }: any) => log.info(c.name), "container.removed": () => {}, "log.line": () => {}`,
};

/** @throws Error if a plugin cannot be installed */
export async function installFive({ engine }: Setup): Promise<void> {
  const files = await Promise.all(
    Object.entries(FIVE).map(async ([name, hooks]) => {
      const file = `${engine.dir}/${name}.ts`;
      await Deno.writeTextFile(file, `export default { name: "${name}", apiVersion: 1, hooks: { ${hooks} } };`);
      return file;
    }),
  );
  for (const file of [...files, `${PROJECT_DIR}/examples/plugins/owner_guard.wasm`]) {
    const { code, stderr } = await engine.tsd(["plugin", "install", file]);
    assert.equal(code, 0, stderr);
  }
}

/** Runs that many containers, two at a time. */
export async function live({ engine, image }: Setup, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  await Promise.all([0, 1].map(async () => {
    for (const n of numbers) {
      const flags = ["--rm", "--network", "none", "--label", "owner=test"];
      const ran = await engine.tsd(["run", ...flags, image, "sh", "-c", `echo $FROM_PLUGIN ${n}`]);
      assert.deepEqual([ran.code, ran.stdout], [0, `yes ${n}\n`], ran.stderr);
    }
  }));
}

/** Runs containers after which all resources must be as before; earlier ones have opened what stays open. */
export async function livesWithoutLeak(
  setup: Setup,
  warmUp: number,
  lives: () => Promise<void>,
): Promise<[Holdings, Holdings]> {
  const { engine } = setup;
  await installFive(setup);
  await live(setup, warmUp);
  const before = await holdingsOf(engine);
  await lives();
  await untilSettled(engine, before, 60_000);
  const listed = await engine.tsd(["plugin", "ls", "--format", "{{.Name}} {{.State}} {{.Failures}}"]);
  const names = [...Object.keys(FIVE), "owner-guard"].sort();
  assert.equal(listed.stdout, names.map((name) => `${name} enabled 0\n`).join(""));
  return [before, await holdingsOf(engine)];
}
