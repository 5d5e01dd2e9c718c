import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { canonicalString, parseReference } from "../../image/reference.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type PluginHooks } from "../../plugins/mod.ts";
import { resolveMirror } from "./mirror_resolution.ts";

const CREDENTIAL = { kind: "password", username: "me", password: "secret" } as const;
const DIGEST = `sha256:${"a".repeat(64)}`;
const OTHER_DIGEST = `sha256:${"b".repeat(64)}`;
const { signal } = new AbortController();

const hooksOf = (hooks: PluginHooks) => new HookBus([{ name: "p", apiVersion: 1, hooks }], SILENT_LOG);
const sourceOf = (hooks: PluginHooks, name: string, credential?: typeof CREDENTIAL) =>
  resolveMirror(hooksOf(hooks), parseReference(name), { signal, credential });

Deno.test("without plugins a pull uses the requested registry and the caller's credentials", async () => {
  const reference = parseReference("alpine:3");
  assert.deepEqual(await sourceOf({}, "alpine:3", CREDENTIAL), { signal, credential: CREDENTIAL, source: reference });
});

Deno.test("a plugin redirects a pull; a requested digest is kept, and so is the tag if the answer has none", async () => {
  const places: readonly (readonly [string, string, string])[] = [
    ["alpine:3", "mirror.lan/hub/alpine", "mirror.lan/hub/alpine:3"],
    ["alpine:3", "mirror.lan/alpine:three", "mirror.lan/alpine:three"],
    ["alpine:3", `mirror.lan/alpine@${DIGEST}`, `mirror.lan/alpine@${DIGEST}`],
    [`alpine@${DIGEST}`, `mirror.lan/alpine@${OTHER_DIGEST}`, `mirror.lan/alpine@${DIGEST}`],
  ];
  for (const [requested, answer, source] of places) {
    const seen: string[] = [];
    const found = await sourceOf({
      "registry.resolve": ({ reference, registry, repository }) => {
        seen.push(reference, registry, repository);
        return { reference: answer };
      },
    }, requested);
    assert.equal(canonicalString(found.source), source);
    assert.deepEqual(seen, [canonicalString(parseReference(requested)), "docker.io", "library/alpine"]);
  }
  await assert.rejects(
    sourceOf({ "registry.resolve": () => ({ reference: "NO" }) }, "alpine:3"),
    (thrown) => isTsdError(thrown, "invalid_reference") && /^Plugin p named another place/.test(thrown.message),
  );
});

Deno.test("the caller's credentials are not sent to another registry; missing ones are requested from plugins", async () => {
  const requested: string[] = [];
  const knows: PluginHooks = {
    "registry.credentials": ({ registry }) => {
      requested.push(registry);
      return { username: "plugin", password: registry };
    },
  };
  const moved: PluginHooks = { ...knows, "registry.resolve": () => ({ reference: "mirror.lan/alpine" }) };
  assert.deepEqual((await sourceOf(knows, "alpine", CREDENTIAL)).credential, CREDENTIAL);
  assert.deepEqual(requested, [], "the caller has brought some");
  const here = await sourceOf(knows, "alpine");
  assert.deepEqual(here.credential, { kind: "password", username: "plugin", password: "docker.io" });
  const there = await sourceOf(moved, "alpine", CREDENTIAL);
  assert.deepEqual(there.credential, { kind: "password", username: "plugin", password: "mirror.lan" });
  const nobody = await sourceOf({ "registry.resolve": moved["registry.resolve"]! }, "alpine", CREDENTIAL);
  assert.equal(nobody.credential, undefined);
  const token = await sourceOf({ "registry.credentials": () => ({ identityToken: "t" }) }, "alpine");
  assert.deepEqual(token.credential, { kind: "identity_token", token: "t" });
  await assert.rejects(
    sourceOf({ "registry.credentials": () => ({ username: "half" }) }, "alpine"),
    (thrown) => isTsdError(thrown, "invalid_argument") && /^Plugin p answered credentials without/.test(thrown.message),
  );
});

Deno.test("a plugin can refuse a pull before any request is sent", async () => {
  await assert.rejects(
    sourceOf({
      "image.beforePull": () => ({ refuse: "not from there" }),
      "registry.resolve": () => assert.fail("it was asked"),
    }, "alpine"),
    (thrown) => isTsdError(thrown, "permission_denied") && /Plugin p refused.*: not from there/.test(thrown.message),
  );
});
