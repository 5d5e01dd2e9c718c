/**
 * Authentication at registries: `login`, `logout`, and pulls with credentials, by tsd's client and by the docker CLI.
 */
import { strict as assert } from "node:assert";
import { type Engine, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, file, pushImage } from "../images/mod.ts";
import {
  REAL_ACCOUNT,
  type RegistryAuth,
  type ScriptedRegistry,
  startRealRegistry,
  startScriptedRegistry,
} from "../registry/mod.ts";
import { requires } from "../requires.ts";

const ACCOUNT = { user: REAL_ACCOUNT.username, password: REAL_ACCOUNT.password };
const LOGIN = ["login", "-u", ACCOUNT.user, "--password-stdin"];
const pair = new TextEncoder().encode(`${ACCOUNT.user}:${ACCOUNT.password}`).toBase64();
type Client = "tsd" | "docker";
let images = 0;

const ownImage = () =>
  busyboxBuilder().layer([file("own", `${images++}`.padEnd(200_000, "x"))], { compression: "none" }).build();

async function configOf(engine: Engine): Promise<{ auths?: Record<string, unknown>; [field: string]: unknown }> {
  return JSON.parse(await Deno.readTextFile(`${engine.dir}/home/.docker/config.json`));
}

/** Debian's registry with htpasswd. */
async function testPrivate(engine: Engine, client: Client): Promise<void> {
  await using registry = await startRealRegistry({ private: true });
  const headers = { authorization: `Basic ${pair}` };
  await pushImage(registry.url, "team/app", "1", await ownImage(), { headers });
  const reference = `${registry.host}/team/app:1`;
  const denied = await engine[client](["pull", reference]);
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /pull access denied for 127\.0\.0\.1:\d+\/team\/app, .* may require 'docker login': /);
  const wrong = await engine[client]([...LOGIN, registry.host], { stdin: "wrong" });
  assert.deepEqual([wrong.code, wrong.stdout], [1, ""]);
  assert.match(wrong.stderr, /^[^\n]*login attempt to \S+\/v2\/ failed with status: 401 Unauthorized\n$/);
  const right = await engine[client]([...LOGIN, registry.host], { stdin: `${ACCOUNT.password}\n` });
  assert.deepEqual([right.code, right.stdout], [0, "Login Succeeded\n"], right.stderr);
  assert.match(right.stderr, /WARNING! Your credentials are stored unencrypted in '.*\/config\.json'/);
  assert.deepEqual((await configOf(engine)).auths, { [registry.host]: { auth: pair } });
  assert.equal((await Deno.stat(`${engine.dir}/home/.docker/config.json`)).mode! & 0o777, 0o600);
  // The two clients read each other's file.
  const other = client === "tsd" ? "docker" : "tsd";
  assert.deepEqual((await engine[other](["pull", "-q", reference])).stdout, `${reference}\n`);
  assert.equal((await engine.tsd(["rmi", reference])).code, 0);
  const ran = await engine[client](["run", "--rm", "--network", "none", reference, "echo", "in"]);
  assert.deepEqual([ran.code, ran.stdout], [0, "in\n"], ran.stderr);
  const again = await engine[client](["login", registry.host]);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(again.stdout, "Login Succeeded\n");
  assert.match(
    again.stderr,
    /^Authenticating with existing credentials\.\.\. \[Username: tester\]\n\n Info -> .*\n\n\n$/,
  );
  const out = await engine[client](["logout", registry.host]);
  assert.deepEqual(out, { code: 0, stdout: `Removing login credentials for ${registry.host}\n`, stderr: "" });
  assert.deepEqual((await configOf(engine)).auths ?? {}, {});
  assert.equal((await engine[client](["pull", reference])).code, 1);
}

/** A token service that issues a refresh token; its bearer tokens expire during a download. */
async function testTokens(engine: Engine, client: Client): Promise<void> {
  const auth: RegistryAuth = {
    ...{ kind: "bearer", account: ACCOUNT, refreshToken: "refresh-me", issuesRefreshToken: true },
    tokenUses: 3,
  };
  await using registry = startScriptedRegistry({ auth });
  const image = await ownImage();
  const reference = registry.add("team/app", "1", image);
  const layer = `/v2/team/app/blobs/${image.layers[1]!.blob.digest}`;
  registry.fail({ path: layer, times: 2, fault: "drop", afterBytes: 70_000 });
  const login = await engine[client]([...LOGIN, registry.host], { stdin: ACCOUNT.password });
  assert.deepEqual([login.code, login.stdout], [0, "Login Succeeded\n"], login.stderr);
  const kept = (await configOf(engine)).auths?.[registry.host];
  assert.deepEqual(kept, { auth: btoa(`${ACCOUNT.user}:`), identitytoken: "refresh-me" });
  const pulled = await engine[client](["pull", "-q", reference]);
  assert.deepEqual(pulled, { code: 0, stdout: `${reference}\n`, stderr: "" });
  assert.ok(registry.requestsFor("/token", "POST").length >= 2, "the token was renewed in mid-download");
  assert.deepEqual(ranges(registry, layer), ["bytes=70000-", "bytes=140000-"]);
  await engine[client](["logout", registry.host]);
}

/** Returns the served ranges and those requested after a new token, each once. */
function ranges(registry: ScriptedRegistry, layer: string): string[] {
  return [...new Set(registry.requestsFor(layer, "GET").flatMap(({ headers }) => headers.range ?? []))];
}

const HELPER = `#!/bin/sh
# Keeps one secret for each registry in a file beside itself.
read -r first
case $1 in
  store) name=$(printf %s "$first" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr / _); printf %s "$first" >"$0.$name" ;;
  get) cat "$0.$(printf %s "$first" | tr / _)" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) rm -f "$0.$(printf %s "$first" | tr / _)" ;;
esac
`;

/** A credential helper; both clients find each other's credentials there. */
async function testHelper(engine: Engine, client: Client): Promise<void> {
  await using registry = startScriptedRegistry({ auth: { kind: "basic", account: ACCOUNT } });
  const reference = registry.add("team/app", "1", await ownImage());
  const bin = `${engine.dir}/bin-${client}`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/docker-credential-fake`, HELPER, { mode: 0o755 });
  await Deno.writeTextFile(
    `${engine.dir}/home/.docker/config.json`,
    JSON.stringify({ credHelpers: { [registry.host]: "fake" }, detachKeys: "ctrl-x" }),
  );
  const env = { PATH: `${bin}:${Deno.env.get("PATH")}` };
  const login = await engine[client]([...LOGIN, registry.host], { stdin: ACCOUNT.password, env });
  assert.deepEqual(login, { code: 0, stdout: "Login Succeeded\n", stderr: "" });
  const stored = JSON.parse(await Deno.readTextFile(`${bin}/docker-credential-fake.${registry.host}`));
  assert.deepEqual(stored, { ServerURL: registry.host, Username: ACCOUNT.user, Secret: ACCOUNT.password });
  const config = await configOf(engine);
  assert.deepEqual([config.detachKeys, config.auths], ["ctrl-x", { [registry.host]: {} }]);
  for (const each of ["tsd", "docker"] as const) {
    const pulled = await engine[each](["pull", "-q", reference], { env });
    assert.deepEqual(pulled, { code: 0, stdout: `${reference}\n`, stderr: "" });
  }
  assert.equal((await engine[client](["logout", registry.host], { env })).code, 0);
  assert.deepEqual([...Deno.readDirSync(bin)].map(({ name }) => name), ["docker-credential-fake"]);
  const missing = await engine.tsd(["pull", "-q", reference]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^WARNING: error getting credentials - docker-credential-fake: .*\ntsd: pull access/);
}

/** Impossible requests are refused before any registry is contacted. */
async function testRefusals(engine: Engine): Promise<void> {
  const rows: readonly (readonly [args: string[], stderr: string])[] = [
    [["-u", "a", "-p", "b", "--password-stdin"], "--password and --password-stdin are mutually exclusive\n"],
    [["--password-stdin"], "Must provide --username with --password-stdin\n"],
    [["-u", "a"], "Error: Cannot perform an interactive login from a non TTY device\n"],
  ];
  for (const [args, stderr] of rows) {
    assert.deepEqual(await engine.tsd(["login", ...args, "127.0.0.1:1"]), { code: 1, stdout: "", stderr });
  }
  const unreachable = await engine.tsd([...LOGIN, "127.0.0.1:1"], { stdin: "x" });
  assert.match(unreachable.stderr, /^tsd: Cannot reach registry 127\.0\.0\.1:1: [^\n]+\n$/);
  const header = { "X-Registry-Auth": "%%%" };
  const damaged = await posted(engine, "/images/create?fromImage=x&tag=y", header);
  assert.deepEqual(damaged, [400, "invalid X-Registry-Auth header: it is not base64 of JSON"]);
  assert.equal((await posted(engine, "/auth", {}))[0], 401);
}

async function posted(engine: Engine, path: string, headers: Record<string, string>): Promise<[number, string]> {
  const answer = await engine.api.request("POST", path, { headers });
  return [answer.status, answer.json<{ message: string }>().message];
}

/** A user at a terminal: the password is not echoed, and the terminal's modes are restored. */
async function testPrompt(engine: Engine): Promise<void> {
  await using registry = startScriptedRegistry({ auth: { kind: "basic", account: ACCOUNT } });
  await using screen = await engine.screen(engine.dir);
  await screen.line(`$tsd login ${registry.host}`);
  await screen.see("Username: ");
  await screen.line(ACCOUNT.user);
  await screen.see("Password: ");
  await screen.line(ACCOUNT.password);
  await screen.see("Login Succeeded");
  assert.ok(!(await screen.text()).includes(ACCOUNT.password));
  const echoes = "stty -a | grep -qw -e '-echo' || echo as be''fore";
  await screen.line(echoes);
  await screen.see("as before");
  await engine.tsd(["logout", registry.host]);
  await screen.line("clear");
  await screen.line(`$tsd login ${registry.host}; echo code $?`);
  await screen.see("Username: ");
  await screen.line("me");
  await screen.see("Password: ");
  await screen.type("half");
  await screen.press("C-c");
  await screen.see("code 130");
  await screen.line(echoes);
  await screen.see("as before");
  assert.ok(!(await screen.text()).includes("half"));
}

Deno.test({
  name: "login, logout, and pulls with credentials",
  ...requires("root", "runc", "overlay", "docker-registry", "docker", "tmux"),
  fn: async (test) => {
    await using engine = await startEngine();
    for (const client of ["tsd", "docker"] as const) {
      await test.step(`${client}: a registry with htpasswd`, () => testPrivate(engine, client));
      await test.step(`${client}: a token service`, () => testTokens(engine, client));
      await test.step(`${client}: a credential helper`, () => testHelper(engine, client));
    }
    await test.step("refusals", () => testRefusals(engine));
    await test.step("at a terminal", () => testPrompt(engine));
    assert.doesNotMatch(await engine.log(), /refresh-me|ss word/, "no secret is in the log");
  },
});
