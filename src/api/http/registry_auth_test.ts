import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { credentialOf } from "./registry_auth.ts";

const base64 = (value: unknown, options?: { alphabet?: "base64" | "base64url"; omitPadding?: boolean }) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64(options);

Deno.test("the header is decoded in all forms that Docker's clients send", () => {
  assert.equal(credentialOf(undefined), undefined);
  assert.equal(credentialOf(""), undefined);
  assert.equal(credentialOf("e30="), undefined);
  assert.equal(credentialOf(base64(null)), undefined);
  // These values differ between the two alphabets.
  const given = { username: "ü>?~", password: "ÿÿ?>>~~", serveraddress: "https://index.docker.io/v1/" };
  const expected = { kind: "password", username: "ü>?~", password: "ÿÿ?>>~~" };
  for (const alphabet of ["base64", "base64url"] as const) {
    for (const omitPadding of [true, false]) {
      assert.deepEqual(credentialOf(base64(given, { alphabet, omitPadding })), expected);
    }
  }
});

Deno.test("tokens take precedence over passwords, field names ignore case", () => {
  const password = { username: "a", password: "b" };
  assert.deepEqual(credentialOf(base64({ ...password, identitytoken: "i" })), { kind: "identity_token", token: "i" });
  assert.deepEqual(credentialOf(base64({ ...password, identitytoken: "i", registrytoken: "r" })), {
    kind: "registry_token",
    token: "r",
  });
  assert.deepEqual(credentialOf(base64({ Username: "a", Password: "b", IdentityToken: "" })), {
    kind: "password",
    ...password,
  });
  const odd = { "u\u017fername": "x", USERNAME: "a", paſſword: "b", serverAddress: null, other: {} };
  assert.deepEqual(credentialOf(base64(odd)), { kind: "password", ...password });
  assert.deepEqual(credentialOf(base64({ auth: btoa("a:b:c") })), {
    kind: "password",
    username: "a",
    password: "b:c",
  });
});

Deno.test("a malformed header is refused without quoting it", () => {
  const damaged = ["%%%", btoa("secret"), base64(["secret"]), base64({ username: 1 }), base64({ auth: "secret" })];
  for (const header of damaged) {
    assert.throws(() => credentialOf(header), (error: Error) => {
      assert.ok(isTsdError(error, "invalid_argument"), String(error));
      assert.match(error.message, /^invalid X-Registry-Auth header: /);
      return !error.message.includes("secret");
    });
  }
});
