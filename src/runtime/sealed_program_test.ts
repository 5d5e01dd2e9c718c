import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { O, processes } from "../sys/mod.ts";
import { SealedProgram } from "./sealed_program.ts";

interface Bench {
  readonly path: string;
  readonly program: SealedProgram;
  readonly reports: string[];
}

/** A copy of true(1) in a folder of its own. */
async function withProgram(body: (bench: Bench) => Promise<void>, dependsOnPath = false): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/program`;
    await Deno.copyFile("/bin/true", path);
    const reports: string[] = [];
    const report = (reason: unknown) => void reports.push(String(reason));
    using program = new SealedProgram({ path, report, dependsOnPath: () => dependsOnPath });
    await body({ path, program, reports });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Asks until there is a copy, whose path is given. */
async function copyOf({ path, program }: Bench): Promise<string> {
  for (let tries = 0; tries < 500; tries++) {
    if (program.path !== path) return program.path;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("no copy came");
}

function exitCodeOf(path: string): number | null {
  const stdio = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));
  const pid = processes.spawn({ path, argv: ["program"], env: {}, stdio });
  return processes.waitpid(pid, 0)!.exitCode;
}

Deno.test("a program is run from a copy in memory that nobody can change", () =>
  withProgram(async (bench) => {
    assert.equal(bench.program.path, bench.path);
    const copy = await copyOf(bench);
    assert.match(copy, /^\/proc\/\d+\/fd\/\d+$/);
    assert.equal(exitCodeOf(copy), 0);
    assert.deepEqual(await Deno.readFile(copy), await Deno.readFile(bench.path));
    await assert.rejects(Deno.writeTextFile(copy, "x"), /not permitted|busy/i);
    assert.deepEqual(bench.reports, []);
  }));

Deno.test("an update of the program is noticed", () =>
  withProgram(async (bench) => {
    await copyOf(bench);
    await Deno.copyFile("/bin/false", `${bench.path}.new`);
    await Deno.rename(`${bench.path}.new`, bench.path);
    assert.equal(bench.program.path, bench.path);
    assert.equal(exitCodeOf(await copyOf(bench)), 1);
    await Deno.remove(bench.path);
    assert.equal(bench.program.path, bench.path);
  }));

Deno.test("scripts, and programs of machines with rules for paths, are run from their files", async () => {
  const stays = async ({ path, program }: Bench) => {
    for (let tries = 0; tries < 5; tries++) {
      assert.equal(program.path, path);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await withProgram(stays, true);
  await withProgram(async (bench) => {
    await Deno.writeTextFile(bench.path, "#!/bin/sh\n", { mode: 0o755 });
    await stays(bench);
  });
});
