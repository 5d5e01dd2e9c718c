/** Plugins in separate processes, on real containers. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { PROJECT_DIR } from "../../scripts/project.ts";

/** Writes a file to the fixture's directory. */
async function write(fixture: Fixture, name: string, source: string): Promise<string> {
  const path = `${fixture.dir}/${name}`;
  await Deno.writeTextFile(path, source);
  return path;
}

const plugin = (name: string, hooks: string, more = "") =>
  `export default { name: "${name}", apiVersion: 1, ${more} hooks: { ${hooks} } };`;

async function install(fixture: Fixture, name: string, hooks: string, more = "", flags: readonly string[] = []) {
  const path = await write(fixture, `${name}.ts`, plugin(name, hooks, more));
  expectResult(await fixture.tsd("plugin", "install", ...flags, path), { stdout: `${name}\n` });
}

const remove = async (fixture: Fixture, name: string) =>
  expectResult(await fixture.tsd("plugin", "rm", name), { stdout: `${name}\n` });

/** Returns one field of a plugin. */
const field = async (fixture: Fixture, name: string, format: string) =>
  (await fixture.tsd("plugin", "inspect", "-f", `{{${format}}}`, name)).stdout.trim();

/** What a plugin may do instead of answering, and the resulting error. */
const HOSTILE: Readonly<Record<string, readonly [does: string, said: RegExp]>> = {
  throw: ["throw new Error('oops')", /oops/],
  dies: ["Deno.exit(3)", /it ended by itself with exit code 3/],
  huge: ["return { refuse: 'x'.repeat(2 << 20) }", /1048576 are the most/],
  long: ["return { refuse: 'x'.repeat(100_000) }", /refuse is longer than 65536 characters/],
  types: ["return { refuse: 7 }", /its answer is wrong: refuse is no text/],
  more: ["return { refuse: 'no', and: 'more' }", /and is no field that is known here/],
  odd: ["return 1n", /BigInt/],
  reads: ["return { refuse: await Deno.readTextFile('/etc/shadow') }", /read access/],
  writes: ["await Deno.writeTextFile('/etc/tsd-hostile', '')", /write access/],
  runs: ["await new Deno.Command('/bin/sh').output()", /run access/],
  connects: ["await Deno.connect({ hostname: '127.0.0.1', port: 1 })", /net access/],
  imports: ["await import('https://example.invalid/x.ts')", /remote|import|specifier/i],
  memory: ["const all: unknown[] = []; for (;;) all.push(new Array(1000).fill(all))", /as when its memory is used up/],
  // Outside the heap, so only the cgroup limits it. It stops by itself where there is none.
  buffers: [
    "const all = Array.from({ length: 32 }, () => new Uint8Array(16 << 20).fill(1)); return { refuse: `${all.length}` }",
    /ended by signal 9, as when its memory is used up/,
  ],
  flood: ["for (;;) console.log('x'.repeat(8000))", /it sent more than can be read/],
  nonsense: [
    "Deno.stdout.writeSync(new TextEncoder().encode('nonsense')); await new Promise(() => {})",
    /it sent a message/,
  ],
};

scenario("plugins from files", {
  "a new plugin works unmodified: tested, installed, called, notified, logged, removed": async (fixture) => {
    const made = await fixture.shell('$tsd plugin new audit; $tsd plugin new audit 2>&1 || echo "code $?"');
    assert.equal(made.stdout, "audit.ts\ntsd-plugin.d.ts\ntsd: audit.ts is there already; it stays as it is\ncode 1\n");
    const tried = await fixture.shell("$tsd plugin test audit.ts");
    assert.match(tried.stdout, /^ok {3}container\.validate \([\d.]+ ms\): \(nothing\)$/m);
    assert.match(
      tried.stdout,
      /^log {2}info web ended with 137 after 61000 ms; containers that have ended so far: 1$/m,
    );
    assert.match(tried.stdout, /^3 answered, 0 failed$/m);
    expectResult(await fixture.shell("$tsd plugin install audit.ts"), { stdout: "audit\n" });
    expectResult(await fixture.run(["true"], ["--name", "one"]), {});
    const { code, stderr } = await fixture.run(["true"], ["--privileged"]);
    assert.equal(code, 125);
    assert.match(stderr, /Plugin audit refused \(container\.validate\): privileged containers are not welcome/);
    const reported = async () =>
      (await fixture.tsd("plugin", "logs", "audit")).stdout.includes("one ended with 0 after");
    await fixture.until("the log to say so", reported);
    assert.match(
      (await fixture.tsd("plugin", "logs", "audit")).stdout,
      / info one has been started\n.* info one ended with 0 after \d+ ms; containers .* so far: 1\n/,
    );
    expectResult(await fixture.tsd("plugin", "enable", "--set", "allowPrivileged=true", "audit"), {
      stdout: "audit\n",
    });
    assert.equal((await fixture.run(["true"], ["--privileged"])).code, 0);
    await remove(fixture, "audit");
    expectResult(await fixture.tsd("plugin", "ls", "-q"), {});
  },
  "WebAssembly: the example refuses containers without an owner": async (fixture) => {
    const path = `${PROJECT_DIR}/examples/plugins/owner_guard.wasm`;
    expectResult(await fixture.tsd("plugin", "install", path), { stdout: "owner-guard\n" });
    const { code, stderr } = await fixture.run(["true"]);
    assert.equal(code, 125);
    assert.match(stderr, /Plugin owner-guard refused .*run it with --label owner=NAME/);
    expectResult(await fixture.run(["true"], ["--label", "owner=me"]), {});
    await remove(fixture, "owner-guard");
  },
  "permissions are shown, confirmed, and required": async (fixture) => {
    await Deno.writeTextFile(`${fixture.dir}/secret`, "secret");
    const reads = `"container.validate": async () => ({ refuse: await Deno.readTextFile("${fixture.dir}/secret") })`;
    const path = await write(
      fixture,
      "reader.ts",
      plugin("reader", reads, `permissions: { read: ["${fixture.dir}/secret"] },`),
    );
    const refused = await fixture.tsd("plugin", "install", path);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /Plugin reader asks for these permissions:\n - read: .*\/secret\n.*--grant-all-permissions/,
    );
    expectResult(await fixture.tsd("plugin", "ls", "-q"), {});
    expectResult(await fixture.tsd("plugin", "install", "--grant-all-permissions", path), { stdout: "reader\n" });
    assert.match((await fixture.run(["true"])).stderr, /Plugin reader refused \(container\.validate\): secret/);
    // A file that requests more than was granted stays disabled.
    const more = plugin("reader", reads, `permissions: { read: ["${fixture.dir}/secret"], env: ["HOME"] },`);
    const { api } = fixture.engine;
    const body = { FileName: "reader.ts", Content: new TextEncoder().encode(more).toBase64() };
    await api.post("/tsd/plugins", body);
    assert.equal(await field(fixture, "reader", ".State"), "waiting");
    assert.match(
      await field(fixture, "reader", ".Why"),
      /it asks for env HOME; grant that with tsd plugin enable reader/,
    );
    expectResult(await fixture.run(["true"]), {});
    await remove(fixture, "reader");
    // Not if operations require it.
    const guard = (more: string) => plugin("guard", `"container.validate": () => {}`, `required: true, ${more}`);
    await api.post("/tsd/plugins", { FileName: "a.ts", Content: new TextEncoder().encode(guard("")).toBase64() });
    expectResult(await fixture.run(["true"]), {});
    const asking = new TextEncoder().encode(guard(`permissions: { env: ["HOME"] },`)).toBase64();
    await api.post("/tsd/plugins", { FileName: "a.ts", Content: asking });
    assert.match(
      (await fixture.run(["true"])).stderr,
      /Plugin guard can't be asked \(container\.validate\): .*asks for env HOME/,
    );
    expectResult(await fixture.tsd("plugin", "enable", "--grant-all-permissions", "guard"), { stdout: "guard\n" });
    expectResult(await fixture.run(["true"]), {});
    await remove(fixture, "guard");
  },
  "host resources that a plugin adds to containers need a permission too": async (fixture) => {
    await Deno.writeTextFile(`${fixture.dir}/data`, "of the host");
    const bind = `{ type: "bind", source: "${fixture.dir}/data", target: "/data", readOnly: true }`;
    const adjusts = `"container.create": () => ({ env: { ADJUSTED: "yes" }, mounts: [${bind}] })`;
    await install(fixture, "binds", adjusts);
    expectResult(await fixture.run(["sh", "-c", "echo $ADJUSTED; cat /data 2>&1"]), {
      code: 1,
      stdout: "\ncat: can't open '/data': No such file or directory\n",
    });
    assert.match(
      await field(fixture, "binds", ".LastError"),
      /it wants binds of the host in the container, and was not granted/,
    );
    await install(fixture, "binds", adjusts, `permissions: { host: ["binds"] },`, ["--grant-all-permissions"]);
    expectResult(await fixture.run(["sh", "-c", "echo $ADJUSTED; cat /data"]), { stdout: "yes\nof the host" });
    await remove(fixture, "binds");
  },
  "names of built-in plugins are reserved; unusual names work": async (fixture) => {
    const path = await write(fixture, "taken.ts", plugin("lifecycle-log", `"container.removed": () => {}`));
    const taken = await fixture.tsd("plugin", "install", path);
    assert.deepEqual([taken.code, taken.stdout], [1, ""]);
    assert.match(taken.stderr, /A plugin that comes with tsd is called lifecycle-log: give this one another name/);
    for (const name of ["look-out", "tasks", "cgroup.procs"]) {
      await install(fixture, name, `"container.validate": () => ({ refuse: "by ${name}" })`);
      await fixture.engine.restart();
      assert.match((await fixture.run(["true"])).stderr, new RegExp(`by ${name}`));
      await remove(fixture, name);
    }
  },
  "a plugin that hangs is killed at its deadline, and refuses the operation if required; so does a broken one": async (
    fixture,
  ) => {
    const hang = `"container.validate": () => { for (;;); }`;
    // Without `required` the operation proceeds: answers_test.ts has a module that loops.
    await install(fixture, "hangs", `${hang}, "container.exited": () => {}`, "required: true,");
    const { code, stderr } = await fixture.run(["true"]);
    assert.equal(code, 125);
    assert.match(stderr, /Plugin hangs can't be asked \(container\.validate\)/);
    assert.match(
      await field(fixture, "hangs", ".LastError"),
      /container\.validate: .*(took too long|did not answer)/,
    );
    // A file that was broken meanwhile cannot be called either; a removed one is no longer a plugin.
    const copy = `${fixture.engine.dataRoot}/plugins/hangs.ts`;
    await Deno.writeTextFile(copy, "export default {");
    assert.match((await fixture.tsd("plugin", "ls", "--format", "{{.State}}")).stdout, /^failed$/m);
    assert.match((await fixture.run(["true"])).stderr, /Plugin hangs can't be asked \(container\.validate\)/);
    await Deno.remove(copy);
    assert.match((await fixture.tsd("plugin", "ls", "--format", "{{.Why}}")).stdout, /hangs\.ts is not there/);
    expectResult(await fixture.run(["true"]), {});
    await remove(fixture, "hangs");
  },
  "a plugin that hangs in a call is soon stopped when it is disabled": async (fixture) => {
    for (const away of ["disable", "rm"]) {
      await install(fixture, "hangs", `"container.validate": () => { for (;;); }`, "required: true,");
      const asking = fixture.run(["true"]);
      while (await field(fixture, "hangs", ".Running") !== "true");
      expectResult(await fixture.tsd("plugin", away, "hangs"), { stdout: "hangs\n" });
      assert.match((await asking).stderr, /Plugin hangs can't be asked \(container\.validate\): it was stopped/);
      expectResult(await fixture.run(["true"]), {});
    }
  },
  "a file that changed meanwhile is inspected before it is called, and the operation waits for that": async (
    fixture,
  ) => {
    await install(fixture, "guard", `"container.validate": () => ({ refuse: "by the old one" })`, "required: true,");
    const refuses = plugin("guard", `"container.validate": () => ({ refuse: "by the new one" })`, "required: true,");
    await Deno.writeTextFile(`${fixture.engine.dataRoot}/plugins/guard.ts`, refuses);
    assert.match((await fixture.run(["true"])).stderr, /Plugin guard refused \(container\.validate\): by the new one/);
    await remove(fixture, "guard");
  },
  "order: that of the first installation, also if one was replaced or disabled, and after a restart": async (
    fixture,
  ) => {
    const says = (name: string) => `"container.validate": () => ({ refuse: "by ${name}" })`;
    for (const name of ["b", "a"]) await install(fixture, name, says(name));
    const refusedBy = async (name: string) =>
      assert.match((await fixture.run(["true"])).stderr, new RegExp(`by ${name}`));
    await refusedBy("b");
    await install(fixture, "b", says("b, again"));
    await refusedBy("b, again");
    expectResult(await fixture.tsd("plugin", "disable", "b"), { stdout: "b\n" });
    await refusedBy("a");
    expectResult(await fixture.tsd("plugin", "enable", "b"), { stdout: "b\n" });
    await refusedBy("b, again");
    await install(fixture, "a", says("a"), `order: "pre",`);
    await refusedBy("a");
    await install(fixture, "a", says("a"));
    await fixture.engine.restart();
    await refusedBy("b, again");
    for (const name of ["a", "b"]) await remove(fixture, name);
    // Two that change the same field.
    for (const name of ["one", "two"]) await install(fixture, name, `"container.create": () => ({ env: { A: "1" } })`);
    expectResult(await fixture.run(["true"]), { code: 125, stderr: "tsd: Plugins one and two both set env.A\n" });
    for (const name of ["one", "two"]) await remove(fixture, name);
  },
  "a plugin enabled while containers run is notified of them": async (fixture) => {
    for (const name of ["c1", "c2"]) await fixture.background(name);
    await install(
      fixture,
      "late",
      `"container.started": ({ name, replayed }: any, { log }: any) => log.info(name, replayed)`,
    );
    await fixture.background("c3");
    const reported = async () =>
      (await fixture.tsd("plugin", "logs", "late")).stdout.match(/c\d (true|false)$/gm)?.sort();
    await fixture.until("all to be told", async () => (await reported())?.length === 3);
    assert.deepEqual(await reported(), ["c1 true", "c2 true", "c3 false"]);
    await fixture.remove("c1", "c2", "c3");
    await remove(fixture, "late");
  },
  "whatever a plugin does instead of answering, the operation proceeds, and the error is reported": async (fixture) => {
    const modes = Object.entries(HOSTILE).map(([mode, [does]]) => `${mode}: async () => { ${does} },`).join("\n");
    const requested =
      `"container.validate": (_: unknown, { config: { mode } }: any) => ({ ${modes} } as any)[mode]?.()`;
    await install(fixture, "hostile", requested, `config: { mode: { type: "text", optional: true } },`);
    const { api } = fixture.engine;
    for (const [mode, [, said]] of Object.entries(HOSTILE)) {
      await api.post("/tsd/plugins/hostile/enable", { Config: { mode } });
      const made = await api.post("/containers/create", { Image: fixture.image, Cmd: ["true"] });
      assert.equal(made.status, 201, `${mode}: ${made.text()}`);
      assert.match(await field(fixture, "hostile", ".LastError"), said, mode);
    }
    await fixture.engine.removeContainers();
    await remove(fixture, "hostile");
  },
  "a plugin that fails repeatedly is disabled, and can be enabled again": async (fixture) => {
    await install(fixture, "throws", `"container.validate": () => { throw new Error("oops"); }`);
    const tried = await fixture.tsd("plugin", "test", `${fixture.dir}/throws.ts`);
    assert.match(tried.stdout, /^FAIL container\.validate \(.* ms\): oops \(throws\.ts:1:\d+\)$/m);
    for (let i = 0; i < 5; i++) expectResult(await fixture.run(["true"]), {});
    const { stdout } = await fixture.tsd("plugin", "logs", "-n", "1", "throws");
    assert.match(stdout, / error container\.validate: oops \(throws\.ts:1:\d+\)\n$/);
    expectResult(await fixture.tsd("plugin", "ls", "--format", "{{.Name}} {{.State}} {{.Failures}} {{.Why}}"), {
      stdout: "throws failed 5 it has failed 5 times in a row\n",
    });
    assert.match((await fixture.tsd("info")).stderr, /WARNING: plugin throws is disabled after 5 failures in a row/);
    expectResult(await fixture.tsd("plugin", "enable", "throws"), { stdout: "throws\n" });
    assert.equal(await field(fixture, "throws", ".State"), "enabled");
    expectResult(await fixture.tsd("plugin", "disable", "throws"), { stdout: "throws\n" });
    expectResult(await fixture.run(["true"]), {});
    assert.equal(await field(fixture, "throws", ".State"), "disabled");
    await remove(fixture, "throws");
  },
  "a file that is not a plugin is refused in one line, and nothing stays": async (fixture) => {
    const cases = [
      ["a.ts", "export default 1;", /no default export that is a plugin/],
      ["b.ts", plugin("b", `"container.dreamt": () => {}`), /wants hook container\.dreamt, which doesn't exist/],
      ["c.ts", "export default {", /./],
      ["d.txt", "text", /d\.txt is no plugin: it has to end with \.ts/],
      ["e.ts", "for (;;);", /took too long to be loaded/],
      ["f.wasm", "text", /./],
    ] as const;
    for (const [name, source, reason] of cases) {
      const { code, stdout, stderr } = await fixture.tsd("plugin", "install", await write(fixture, name, source));
      assert.deepEqual([code, stdout], [1, ""], stderr);
      assert.match(stderr, reason);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    expectResult(await fixture.tsd("plugin", "ls", "-q"), {});
    expectResult(await fixture.tsd("plugin", "rm", "nobody"), { code: 1, stderr: "tsd: No such plugin: nobody\n" });
  },
  "plugins and their storage survive the engine; their processes do not": async (fixture) => {
    const counts = `"container.validate": async (_: unknown, { storage }: any) => {
      const count = Number(await storage.get("count") ?? 0) + 1;
      await storage.set("count", count);
      return { refuse: "number " + count };
    }`;
    await install(fixture, "counts", counts);
    assert.match((await fixture.run(["true"])).stderr, /number 1/);
    await fixture.engine.restart();
    assert.match((await fixture.run(["true"])).stderr, /number 2/);
    await fixture.engine.restart("SIGKILL");
    assert.match((await fixture.run(["true"])).stderr, /number 3/);
    assert.equal(await field(fixture, "counts", ".Running"), "true");
    await remove(fixture, "counts");
    // It has a grace period for its last notification.
    const takesTime = "await new Promise((resolve) => setTimeout(resolve, 200))";
    await install(
      fixture,
      "told",
      `"container.exited": async (_: unknown, { log }: any) => { ${takesTime}; log.info("done"); }`,
    );
    expectResult(await fixture.run(["true"]), {});
    await fixture.engine.restart();
    assert.match((await fixture.tsd("plugin", "logs", "told")).stdout, / info done\n$/);
    await remove(fixture, "told");
  },
});
