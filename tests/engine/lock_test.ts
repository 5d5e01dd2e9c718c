/** One engine per data root; sockets and data roots that cannot be used. */
import { strict as assert } from "node:assert";
import { executable, runCommand, type RunResult, startEngine, tracesOf } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { exists } from "./setup.ts";

/** Starts an engine that is expected to exit. */
function daemon(...args: string[]): Promise<RunResult> {
  return runCommand(executable(), ["daemon", ...args], { timeoutMs: 10_000 });
}

async function inDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-lock-" }));
  try {
    await use(dir);
  } finally {
    for (const name of ["data", "file", "ro"]) await removeTree(tracesOf(`${dir}/${name}`).runDir);
    await removeTree(dir);
  }
}

Deno.test("a second engine on the same data root is refused, also through a symlink", requires("root"), async () => {
  await using engine = await startEngine();
  const link = `${engine.dir}/link`;
  await Deno.symlink(engine.dataRoot, link);
  for (const dataRoot of [engine.dataRoot, `${engine.dataRoot}/`, link]) {
    const second = await daemon("--data-root", dataRoot, "-H", `unix://${engine.dir}/second.sock`);
    assert.deepEqual(second, {
      code: 1,
      stdout: "",
      stderr: `tsd: Cannot start the engine: another one uses ${engine.dataRoot} already\n`,
    });
  }
  assert.equal(await exists(`${engine.dir}/second.sock`), false);
  assert.equal((await engine.tsd(["ps", "-q"])).code, 0);
});

Deno.test("an engine locks the directories of its program", requires("root"), async () => {
  await using engine = await startEngine();
  const words = (await Deno.readTextFile(`/proc/${engine.pid}/cmdline`)).split("\0");
  const module = words.find((word) => word.endsWith("/mod.js"));
  // An executable made by `deno compile` has none.
  if (module === undefined) return;
  for (const file of [module, await Deno.readLink(`/proc/${engine.pid}/exe`)]) {
    const { code } = await runCommand("flock", ["-n", file.slice(0, file.lastIndexOf("/")), "true"]);
    assert.equal(code, 1, file);
  }
});

Deno.test("the socket of a killed engine is taken over", requires("root"), async () => {
  await using engine = await startEngine();
  await engine.stop("SIGKILL");
  assert.equal(await exists(engine.socketPath), true);
  const nobody = await engine.tsd(["ps"]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /^tsd: Cannot connect to the engine at [^\n]+: nothing listens there[^\n]+\n$/);
  await engine.start();
  assert.equal((await engine.tsd(["ps", "-q"])).code, 0);
  await engine.stop();
  assert.equal(await exists(engine.socketPath), false);
});

Deno.test("the socket of a running engine, and a file that is not a socket, stay", requires("root"), async () => {
  await using engine = await startEngine();
  await inDir(async (dir) => {
    const taken = await daemon("--data-root", `${dir}/data`, "-H", engine.host);
    assert.equal(taken.stderr, `tsd: Cannot listen on ${engine.socketPath}: another program answers there\n`);
    assert.equal(taken.code, 1);
    assert.equal((await engine.tsd(["ps", "-q"])).code, 0);
    await Deno.writeTextFile(`${dir}/file`, "precious");
    const file = await daemon("--data-root", `${dir}/data`, "-H", `unix://${dir}/file`);
    assert.match(file.stderr, /^tsd: Cannot listen on [^\n]+: something else than a socket is there[^\n]+\n$/);
    assert.equal(await Deno.readTextFile(`${dir}/file`), "precious");
  });
});

Deno.test(
  "an address that cannot be listened on is reported in one line",
  requires("root"),
  () =>
    inDir(async (dir) => {
      const cases: [string, RegExp][] = [
        [`unix://${dir}/missing/s`, /^tsd: Cannot listen on [^\n]+\/missing\/s: [^\n]+\n$/],
        [`unix://${dir}/${"x".repeat(120)}`, /^tsd: Cannot listen on [^\n]+x: [^\n]+\n$/],
        ["tcp://127.0.0.1:1", /^tsd: Cannot listen on tcp:[^\n]+: only unix:\/\/ [^\n]+\n$/],
      ];
      for (const [host, expected] of cases) {
        const { code, stdout, stderr } = await daemon("--data-root", `${dir}/data`, "-H", host);
        assert.match(stderr, expected);
        assert.notEqual(code, 0);
        assert.equal(stdout, "");
      }
    }),
);

Deno.test("an unusable data root is reported in one line", requires("root"), () =>
  inDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "");
    const cases = [`${dir}/file`, `${dir}/file/data`, "/proc/tsd", "/sys/tsd"];
    for (const dataRoot of cases) {
      const { code, stdout, stderr } = await daemon("--data-root", dataRoot, "-H", `unix://${dir}/s`);
      assert.match(stderr, /^tsd: Cannot use the data root \S+: [^\n]+\n$/, dataRoot);
      assert.ok(stderr.includes(dataRoot), stderr);
      assert.equal(code, 1);
      assert.equal(stdout, "");
    }
    const readOnly = await runCommand("unshare", [
      ...["--mount", "--propagation", "private", "sh", "-c"],
      `mkdir ${dir}/ro && mount -t tmpfs -o ro tsd-test ${dir}/ro && exec "$@"`,
      ...["sh", executable(), "daemon", "--data-root", `${dir}/ro`, "-H", `unix://${dir}/s`],
    ], { timeoutMs: 10_000 });
    assert.match(readOnly.stderr, /^tsd: Cannot use the data root \S+: [^\n]*[Rr]ead-only[^\n]*\n$/);
    assert.equal(readOnly.code, 1);
  }));

Deno.test(
  "a file that is not a database is reported in one line, and stays unchanged",
  requires("root"),
  () =>
    inDir(async (dir) => {
      const path = `${dir}/data/tsd.db`;
      const start = () => daemon("--data-root", `${dir}/data`, "-H", `unix://${dir}/s`);
      await Deno.mkdir(`${dir}/data`);
      await Deno.writeTextFile(path, "no database ".repeat(1000));
      const garbage = await start();
      assert.match(garbage.stderr, /^tsd: Cannot open the database \S+\/tsd\.db: [^\n]+\n$/);
      assert.equal(garbage.code, 1);
      assert.match(await Deno.readTextFile(path), /^no database no/);
      // The next engine is the first that starts since the machine booted.
      assert.equal(await exists(`${tracesOf(`${dir}/data`).runDir}/boot-id`), false);
      assert.equal(await exists(`${dir}/s`), false);
    }),
);

Deno.test("a database with damaged pages is reported in one line", requires("root"), async () => {
  const engine = await startEngine();
  let path = "";
  try {
    path = `${engine.dataRoot}/tsd.db`;
    await engine.stop();
    const bytes = await Deno.readFile(path);
    bytes.fill(0x5a, 100);
    await Deno.writeFile(path, bytes);
    const failed = await daemon("--data-root", engine.dataRoot, "-H", engine.host);
    assert.match(failed.stderr, /^tsd: Cannot (open|read) the database \S+\/tsd\.db: [^\n]+\n$/);
    assert.equal(failed.code, 1);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
});
