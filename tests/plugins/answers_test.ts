/**
 * Results of plugins at each hook, and their effects on real images and containers: in TypeScript and in WebAssembly.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario, type Step } from "../cli/setup.ts";
import { busyboxImage, pushImage } from "../images/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { type Language, writeRules } from "./rules.ts";

const ACCOUNT = { user: "tester", password: "secret" };

const CREATED = (image: string) => ({ Image: image, Cmd: ["true"], HostConfig: { NetworkMode: "none" } });

/** Expects the plugin to refuse a command at that hook. */
async function refuses(fixture: Fixture, hook: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await fixture.tsd(...args);
  assert.notEqual(code, 0);
  assert.match(stderr, new RegExp(`Plugin rules refused \\(${hook.replace(".", "\\.")}\\): [a-z]+$`, "m"));
}

async function answers(fixture: Fixture, language: Language): Promise<void> {
  await using locked = startScriptedRegistry({ auth: { kind: "basic", account: ACCOUNT } });
  const path = await writeRules(fixture.dir, language);
  const set = [`mirror=${fixture.image}:latest`, `username=${ACCOUNT.user}`, `password=${ACCOUNT.password}`];
  const flags = set.flatMap((setting) => ["--set", setting]);
  expectResult(await fixture.tsd("plugin", "install", ...flags, path), { stdout: "rules\n" });
  const { host, url } = fixture.registry;
  const files = await busyboxImage();
  const unsigned = `unsigned/${language.toLowerCase()}`;
  await pushImage(url, unsigned, "1", files);

  // first: the location of the content, and the credentials
  const elsewhere = `${host}/elsewhere/${language.toLowerCase()}:1`;
  expectResult(await fixture.tsd("pull", "-q", elsewhere), { stdout: `${elsewhere}\n` });
  const image = locked.add("locked", "1", files);
  expectResult(await fixture.tsd("pull", "-q", image), { stdout: `${image}\n` });
  // sequential: whether the operation may proceed
  await refuses(fixture, "image.beforePull", "pull", `${host}/forbidden:1`);
  await refuses(fixture, "image.verify", "pull", `${host}/${unsigned}:1`);
  assert.equal((await fixture.tsd("inspect", `${host}/${unsigned}:1`)).code, 1);
  await refuses(fixture, "container.validate", "create", "--name", "invalid", image);
  await refuses(fixture, "network.ready", "run", "--rm", "--name", "unplugged", image, "true");
  await refuses(fixture, "api.request", "rm", "untouchable");
  // adjust: what is created
  const kind = language === "TypeScript" ? "ts" : "wasm";
  await fixture.background("ruled", ["sh", "-c", `echo $RULES_${kind.toUpperCase()}; exec sleep 1000`]);
  await fixture.until("its word", async () => (await fixture.tsd("logs", "ruled")).stdout === "yes\n");
  expectResult(await fixture.tsd("inspect", "-f", `{{index .Config.Labels "ruled.${kind}"}}`, "ruled"), {
    stdout: "yes\n",
  });
  await refuses(fixture, "container.exec", "exec", "ruled", "echo", "sealed");
  expectResult(await fixture.tsd("exec", "ruled", "echo", "known"), { stdout: "known\n" });
  await fixture.remove("ruled");
  // selective: what stays
  for (const name of ["stays", "goes"]) {
    expectResult(await fixture.tsd("create", "--name", name, image, "true"), { stdout: /^[0-9a-f]{64}\n$/ });
  }
  assert.equal((await fixture.tsd("container", "prune", "-f")).code, 0);
  expectResult(await fixture.tsd("ps", "-a", "--format", "{{.Names}}"), { stdout: "stays\n" });
  await fixture.engine.removeContainers();
  // parallel: all reported events
  await fixture.until("all that is told", async () => {
    const { stdout } = await fixture.tsd("plugin", "logs", "rules");
    return ["image.pulled", "container.started", "container.exited", "container.removed", "api.answered", "log.line"]
      .every((hook) => stdout.includes(` info ${hook}\n`));
  });
  expectResult(await fixture.tsd("plugin", "inspect", "-f", "{{.State}} {{.Failures}}", "rules"), {
    stdout: "enabled 0\n",
  });
  expectResult(await fixture.tsd("plugin", "rm", "rules"), { stdout: "rules\n" });
}

/** Modes of the module, and the resulting error. */
const MISTAKES: readonly (readonly [string, RegExp])[] = [
  ["pointer", /it points outside its memory \(100 bytes at 4294967280\)/],
  ["size", /it points outside its memory \(4294967295 bytes at 16\)/],
  ["text", /is not valid JSON/],
  ["utf8", /encoded data is not valid/],
  ["list", /tsd_hook gave neither a value nor an error/],
  ["shape", /its answer is wrong: refuse is no text/],
  ["error", /^container\.validate: says no$/],
  ["log", /it points outside its memory/],
  ["trap", /unreachable/],
  ["deep", /call stack/i],
  ["grow", /unreachable/],
  ["alloc", /it points outside its memory/],
  ["loop", /took too long|did not answer/],
];

/** Whatever a module does wrong, the operation proceeds, and the error is visible. */
const mistakes: Step = async (fixture) => {
  expectResult(await fixture.tsd("plugin", "install", await writeRules(fixture.dir, "WebAssembly")), {
    stdout: "rules\n",
  });
  const { api } = fixture.engine;
  const create = async () => {
    const made = await api.post("/containers/create", CREATED(fixture.image));
    assert.equal(made.status, 201, made.text());
  };
  for (const [mode, requested] of MISTAKES) {
    await api.post("/tsd/plugins/rules/enable", { Config: { mode } });
    await create();
    // There is no memory for its next argument.
    if (mode === "alloc") await create();
    const { LastError, State } = (await api.get("/tsd/plugins/rules")).json<
      { LastError: string; State: string }
    >();
    assert.match(LastError, requested, `${mode}: ${LastError}`);
    // Without any memory it fails at every hook.
    if (mode !== "alloc") assert.equal(State, "enabled", mode);
  }
  await fixture.engine.removeContainers();
  expectResult(await fixture.tsd("plugin", "enable", "--set", "mode=", "rules"), { stdout: "rules\n" });
  expectResult(await fixture.run(["sh", "-c", "echo $RULES_WASM"]), { stdout: "yes\n" });
  expectResult(await fixture.tsd("plugin", "rm", "rules"), { stdout: "rules\n" });
};

scenario("results of plugins", {
  "TypeScript: every hook with a result": (fixture) => answers(fixture, "TypeScript"),
  "WebAssembly: every hook with a result": (fixture) => answers(fixture, "WebAssembly"),
  "faulty WebAssembly: pointers, traps, loops, memory": mistakes,
});
