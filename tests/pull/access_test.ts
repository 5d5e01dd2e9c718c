/** Registries with token authentication, honest and malicious ones; and which hosts receive tokens. */
import { strict as assert } from "node:assert";
import { type Engine, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, busyboxImage, file } from "../images/mod.ts";
import {
  type Fault,
  type RegistryAuth,
  type ScriptedRegistry,
  selfSignedCertificate,
  startScriptedRegistry,
} from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { clearFailure, pulled } from "./setup.ts";

let images = 0;

/** Serves an image that the engine does not have. */
async function served(registry: ScriptedRegistry, repo: string): Promise<{ reference: string; layer: string }> {
  const image = await busyboxBuilder()
    .layer([file("own", `${images++}`.padEnd(200_000, "x"))], { compression: "none" }).build();
  return { reference: registry.add(repo, "1", image), layer: `/v2/${repo}/blobs/${image.layers[1]!.blob.digest}` };
}

async function testAnonymous(engine: Engine, auth: Partial<RegistryAuth>): Promise<void> {
  await using registry = startScriptedRegistry({ auth: { kind: "bearer", ...auth } as RegistryAuth });
  const { reference, layer } = await served(registry, "team/app");
  registry.fail({ path: layer, times: 1, fault: "drop", afterBytes: 70_000 });
  await pulled(engine, ["-q", reference]);
  const tokens = registry.requestsFor("/token");
  assert.ok(tokens.length >= 1);
  for (const { query, headers } of tokens) {
    assert.equal(query, new URLSearchParams({ service: "scripted", scope: "repository:team/app:pull" }).toString());
    assert.equal(headers.authorization, undefined);
  }
  const requested = registry.requestsFor(layer, "GET");
  assert.equal(requested.at(-1)!.headers.range, "bytes=70000-", "a new token doesn't begin the download anew");
}

async function testRedirect(engine: Engine): Promise<void> {
  await using registry = startScriptedRegistry({ auth: { kind: "bearer" } });
  const { reference } = await served(registry, "redirected");
  registry.fail({ path: "/v2/redirected/blobs/*", fault: "redirect", to: "other" });
  await pulled(engine, ["-q", reference]);
  const elsewhere = registry.requests.filter(({ host }) => host === "other");
  assert.ok(elsewhere.length >= 2);
  assert.deepEqual(elsewhere.filter(({ headers }) => headers.authorization !== undefined), []);
  assert.ok(registry.requestsFor("/v2/redirected/manifests/1").at(-1)!.headers.authorization);
}

interface Refusal {
  readonly name: string;
  readonly auth: RegistryAuth;
  readonly faults?: readonly Fault[];
  /** HOST stands for the registry. */
  readonly says: RegExp;
}

const realm = (name: string, url: string, says: RegExp): Refusal => ({
  name,
  auth: { kind: "bearer", realm: url },
  says,
});
const refusing = (url: string, why: string) =>
  new RegExp(`^Refusing the token realm of registry HOST to ${url}: ${why}$`);
const account = { user: "ann", password: "secret" };

const REFUSALS: readonly Refusal[] = [
  realm(
    "link-local",
    "http://169.254.169.254/t",
    refusing("http://169\\.254\\.169\\.254/t", "the address is link-local.*"),
  ),
  realm("mapped", "http://[::ffff:169.254.169.254]/t", refusing("http://\\[::ffff:a9fe:a9fe\\]/t", ".*link-local.*")),
  realm("file", "file:///etc/shadow", refusing("file:///etc/shadow", "it is not HTTP")),
  realm("user", "http://root@127.0.0.1/t", refusing("http://127\\.0\\.0\\.1/t", "it carries a user name")),
  realm("no-url", "token service", /^Registry HOST names no usable token realm: "token service"$/),
  {
    name: "no-realm",
    auth: { kind: "bearer", challenge: 'Bearer service="x"' },
    says: /^Registry HOST names no usable token realm: ""$/,
  },
  {
    name: "unknown-scheme",
    auth: { kind: "bearer", challenge: 'Negotiate, Digest realm="x"' },
    says: /^pull access denied for HOST\/unknown-scheme, repository does not exist or may require 'docker login'/,
  },
  { name: "account-basic", auth: { kind: "basic", account }, says: /^pull access denied for HOST\/account-basic, / },
  {
    name: "account-bearer",
    auth: { kind: "bearer", account },
    says: /^pull access denied for HOST\/account-bearer, .*: unauthorized/,
  },
  {
    name: "token-html",
    auth: { kind: "bearer" },
    faults: [{ path: "/token", fault: "replace", bytes: "<html>" }],
    says: /^Cannot use the answer of token service HOST: it is not JSON$/,
  },
  {
    name: "token-of-lines",
    auth: { kind: "bearer" },
    faults: [{ path: "/token", fault: "replace", bytes: '{"token":"a\\r\\nx-injected: 1"}' }],
    says: /^Cannot use the answer of token service HOST: it has no token$/,
  },
  {
    name: "token-endless",
    auth: { kind: "bearer" },
    faults: [{ path: "/token", fault: "replace", bytes: " ".repeat(2 << 20) }],
    says: /^Cannot read a token: it is longer than 1048576 bytes$/,
  },
  {
    name: "token-useless",
    auth: { kind: "bearer", tokenUses: 0 },
    says: /^pull access denied for HOST\/token-useless, .*: unauthorized/,
  },
];

async function testRefusal(engine: Engine, { name, auth, faults = [], says }: Refusal): Promise<void> {
  await using registry = startScriptedRegistry({ auth, faults });
  const { reference } = await served(registry, name);
  const line = clearFailure(await engine.tsd(["pull", reference]), name);
  assert.match(line.replaceAll(registry.host, "HOST"), says, name);
  assert.ok(registry.requests.length < 8, name);
}

async function testTls(engine: Engine): Promise<void> {
  const tls = await selfSignedCertificate();
  await using registry = startScriptedRegistry({ tls, auth: { kind: "bearer" } });
  const { reference } = await served(registry, "tls");
  await pulled(engine, ["-q", reference]);
  await using downgrading = startScriptedRegistry({ tls, auth: { kind: "bearer", realm: "http://127.0.0.1:1/token" } });
  const line = clearFailure(
    await engine.tsd(["pull", downgrading.add("tls", "1", await busyboxImage())]),
    "a realm without TLS",
  );
  assert.match(line, /^Refusing the token realm of registry \S+ to http:.*: it leaves HTTPS for plain HTTP$/);
}

Deno.test({
  name: "registries with token authentication",
  ...requires("root", "overlay"),
  fn: async (test) => {
    await using engine = await startEngine();
    await test.step("an anonymous token", () => testAnonymous(engine, {}));
    await test.step("a field called access_token", () => testAnonymous(engine, { tokenField: "access_token" }));
    await test.step("a token that expires during the pull", () => testAnonymous(engine, { tokenUses: 1 }));
    await test.step("a token is not sent to another host", () => testRedirect(engine));
    await test.step("a self-signed certificate", () => testTls(engine));
    for (const each of REFUSALS) await test.step(`refused: ${each.name}`, () => testRefusal(engine, each));
  },
});
