import { strict as assert } from "node:assert";
import { StatusError } from "../../cli/mod.ts";
import { CredentialStore, type RunHelper } from "./credential_store.ts";
import { DockerConfig, INDEX_KEY, registryKey, serverKey } from "./docker_config.ts";

const unused: RunHelper = () => Promise.reject(new Error("no helper is configured"));

/** Creates a user's configuration directory with this config.json. */
async function home(config?: unknown) {
  const dir = await Deno.makeTempDir({ prefix: "tsd-docker-config-" });
  const path = `${dir}/config.json`;
  if (config !== undefined) {
    await Deno.writeTextFile(path, typeof config === "string" ? config : JSON.stringify(config));
  }
  return {
    path,
    load: () => DockerConfig.load((name) => name === "DOCKER_CONFIG" ? dir : undefined),
    read: async () => JSON.parse(await Deno.readTextFile(path)),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

Deno.test("registries are normalized to Docker's keys", () => {
  for (const server of [undefined, "", "docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"]) {
    assert.equal(serverKey(server), INDEX_KEY);
  }
  assert.equal(serverKey("https://registry.lan:5000/v2/"), "registry.lan:5000");
  assert.equal(registryKey("docker.io"), INDEX_KEY);
  assert.equal(registryKey("registry.lan:5000"), "registry.lan:5000");
});

Deno.test("credentials in the file are readable only by the owner, and all other fields are preserved", async () => {
  const others = { HttpHeaders: { A: "b" }, auths: { "https://other.lan/v1/": { auth: btoa("o:p"), email: "x" } } };
  await using it = await home(others);
  await Deno.chmod(it.path, 0o644);
  const store = new CredentialStore(await it.load(), unused);
  assert.deepEqual(await store.get("other.lan"), { username: "o", password: "p", serveraddress: "other.lan" });
  assert.equal(await store.get("registry.lan"), undefined);
  await store.put("registry.lan", { username: "me", password: "pä:ss" });
  await store.put(INDEX_KEY, { username: "me", password: "", identitytoken: "long" });
  assert.deepEqual(await it.read(), {
    ...others,
    auths: {
      ...others.auths,
      "registry.lan": { auth: new TextEncoder().encode("me:pä:ss").toBase64() },
      [INDEX_KEY]: { auth: btoa("me:"), identitytoken: "long" },
    },
  });
  assert.equal((await Deno.stat(it.path)).mode! & 0o777, 0o600);
  const reopened = new CredentialStore(await it.load(), unused);
  assert.deepEqual(await reopened.get("registry.lan"), {
    username: "me",
    password: "pä:ss",
    serveraddress: "registry.lan",
  });
  assert.equal((await reopened.get(INDEX_KEY))?.identitytoken, "long");
  await reopened.erase("registry.lan");
  await reopened.erase("other.lan");
  assert.deepEqual(Object.keys((await it.read()).auths), [INDEX_KEY]);
});

Deno.test("field names are read in any case, as in the docker CLI, and written under one name", async () => {
  const auths = { "a.lan": { AUTH: btoa("a:p") }, "Auths": { auth: btoa("b:p"), IdentityToken: "t" } };
  await using it = await home({
    AUTHS: auths,
    HttpHeaders: { A: "b" },
    auths: { "c.lan": { other: 1 } },
    CREDHELPERS: {},
  });
  const store = new CredentialStore(await it.load(), unused);
  assert.deepEqual(await store.get("a.lan"), { username: "a", password: "p", serveraddress: "a.lan" });
  assert.equal((await store.get("Auths"))?.identitytoken, "t");
  await store.erase("Auths");
  await store.put("d.lan", { username: "d", password: "p" });
  assert.deepEqual(await it.read(), {
    ...{ HttpHeaders: { A: "b" }, CREDHELPERS: {} },
    auths: { "a.lan": { AUTH: btoa("a:p") }, "c.lan": { other: 1 }, "d.lan": { auth: btoa("d:p") } },
  });
});

Deno.test("helpers and their responses are read with keys in any case", async () => {
  await using it = await home({ CredsStore: "all", credhelpers: { "a.lan": "own" } });
  const called: string[] = [];
  const store = new CredentialStore(await it.load(), (program) => {
    called.push(program);
    return Promise.resolve({ code: 0, stdout: '{"serverurl":"x","username":"me","SECRET":"s"}', stderr: "" });
  });
  for (const key of ["a.lan", "b.lan"]) {
    assert.deepEqual(await store.get(key), { username: "me", password: "s", serveraddress: key });
  }
  assert.deepEqual(called, ["docker-credential-own", "docker-credential-all"]);
});

Deno.test("a symbolic link to the file is preserved", async () => {
  await using it = await home();
  await Deno.writeTextFile(`${it.path}.real`, "{}");
  await Deno.symlink(`${it.path}.real`, it.path);
  await new CredentialStore(await it.load(), unused).put("a.lan", { username: "a", password: "b" });
  assert.ok((await Deno.lstat(it.path)).isSymlink);
  assert.deepEqual(Object.keys((await it.read()).auths), ["a.lan"]);
  const names = [...Deno.readDirSync(it.path.replace(/\/[^/]*$/, ""))].map(({ name }) => name).sort();
  assert.deepEqual(names, ["config.json", "config.json.real"]);
});

Deno.test("a damaged file is reported in one line and not overwritten", async () => {
  const texts = [
    '{"auths": "secret"',
    "[]",
    '{"auths":["secret"]}',
    '{"AUTHS":["secret"]}',
    '{"credHelpers":{"a.lan":5}}',
  ];
  const entries = ['{"auths":{"a.lan":["secret"]}}', '{"auths":{"a.lan":{}},"auths":{"b.lan":{"auth":"secret"}}}'];
  for (const text of [...texts, ...entries]) {
    await using it = await home(text);
    const open = async () => await new CredentialStore(await it.load(), unused).get("a.lan");
    await assert.rejects(open(), (error: Error) => {
      assert.match(error.message, /^Error loading config file: \S+\/config\.json: [^\n]+$/);
      return error instanceof StatusError && !error.message.includes("secret");
    });
    assert.equal(await Deno.readTextFile(it.path), text);
  }
});

/** A fake helper program that stores credentials in memory. */
function fakeHelper() {
  const stored = new Map<string, { Username: string; Secret: string }>();
  const calls: string[] = [];
  const run: RunHelper = (program, [action = ""], input) => {
    calls.push(`${program} ${action}`);
    const answer = (code: number, stdout: string) => Promise.resolve({ code, stdout, stderr: "" });
    if (action === "store") {
      const { ServerURL, ...rest } = JSON.parse(input);
      stored.set(ServerURL, rest);
      return answer(0, "");
    }
    if (action === "erase") stored.delete(input);
    const found = stored.get(input);
    if (action === "erase") return answer(0, "");
    return found === undefined
      ? answer(1, "credentials not found in native keychain\n")
      : answer(0, JSON.stringify({ ServerURL: input, ...found }));
  };
  return { stored, calls, run };
}

Deno.test("a registry's helper takes precedence over credsStore, and no secrets are written to the file", async () => {
  await using it = await home({ credsStore: "all", credHelpers: { "a.lan": "own", "docker.io": "hub" } });
  const { run, calls, stored } = fakeHelper();
  const store = new CredentialStore(await it.load(), run);
  assert.equal(await store.get("a.lan"), undefined);
  await store.put("a.lan", { username: "me", password: "secret" });
  await store.put("b.lan", { username: "me", password: "", identitytoken: "token" });
  assert.deepEqual(await store.get("a.lan"), { username: "me", password: "secret", serveraddress: "a.lan" });
  assert.deepEqual(await store.get("b.lan"), { identitytoken: "token", serveraddress: "b.lan" });
  assert.deepEqual(stored.get("b.lan"), { Username: "<token>", Secret: "token" });
  assert.deepEqual((await it.read()).auths, { "a.lan": {}, "b.lan": {} });
  await store.erase("a.lan");
  assert.deepEqual((await it.read()).auths, { "b.lan": {} });
  await store.get(INDEX_KEY);
  assert.deepEqual([...new Set(calls.map((call) => call.split(" ")[0]))], [
    "docker-credential-own",
    "docker-credential-all",
    "docker-credential-hub",
  ]);
});

Deno.test("a helper's failure or invalid response is reported in one line without secrets", async () => {
  await using it = await home({ credsStore: "x" });
  const config = await it.load();
  const get = (code: number, stdout: string, stderr = "") =>
    new CredentialStore(config, () => Promise.resolve({ code, stdout, stderr })).get("a.lan");
  await assert.rejects(get(127, "", "docker-credential-x: command not found"), {
    message: "error getting credentials - docker-credential-x: docker-credential-x: command not found",
  });
  await assert.rejects(get(1, "locked\nmore\n"), {
    message: "error getting credentials - docker-credential-x: locked",
  });
  await assert.rejects(get(0, "secret"), {
    message: "error getting credentials - docker-credential-x did not answer with JSON",
  });
  await assert.rejects(get(0, '{"Username":"me","secret":["s"]}'), {
    message:
      "error getting credentials - docker-credential-x answered with a wrong Secret: it must be a text without NUL",
  });
});
