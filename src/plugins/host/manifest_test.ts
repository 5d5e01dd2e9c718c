import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { checkSettings, missingPermissions, parseManifest, parsePermissions } from "./manifest.ts";

const KNOWN = ["container.started", "container.exited"];
const LEAST = { name: "p", apiVersion: 1, hooks: ["container.started"] };

/** Returns the message with which a manifest is refused. */
function reason(value: unknown): string {
  try {
    parseManifest(value, KNOWN);
  } catch (thrown) {
    assert.ok(isTsdError(thrown, "invalid_argument"), String(thrown));
    return thrown.message;
  }
  return "none";
}

Deno.test("omitted fields get defaults", () => {
  assert.deepEqual(parseManifest(LEAST, KNOWN), {
    name: "p",
    version: "0.0.0",
    description: "",
    order: "normal",
    required: false,
    permissions: {},
    memoryMb: 64,
    config: { type: "object", fields: {}, about: "its settings" },
    hooks: ["container.started"],
  });
});

Deno.test("permissions and hooks are sorted without duplicates", () => {
  const { permissions, hooks } = parseManifest({
    ...LEAST,
    hooks: ["container.started", "container.exited", "container.started"],
    permissions: { net: ["b:1", "a", "[::1]:80", "a"], read: [], write: ["/var/x y"], env: ["HOME"] },
  }, KNOWN);
  assert.deepEqual(hooks, ["container.exited", "container.started"]);
  assert.deepEqual(permissions, { net: ["[::1]:80", "a", "b:1"], write: ["/var/x y"], env: ["HOME"] });
});

Deno.test("an error names the invalid field", () => {
  const cases: [unknown, RegExp][] = [
    [null, /no object/],
    [[], /no object/],
    [{ ...LEAST, name: "P!" }, /Invalid name of a plugin: "P!"/],
    [{ ...LEAST, name: 1 }, /name is no text/],
    [{ ...LEAST, apiVersion: 2 }, /is for version 2 of the interface; this tsd has version 1/],
    [{ ...LEAST, hooks: [] }, /has no hooks/],
    [{ ...LEAST, hooks: ["container.dreamt"] }, /wants hook container\.dreamt, which doesn't exist/],
    [{ ...LEAST, hooks: "container.started" }, /hooks is no list/],
    [{ ...LEAST, odd: 1 }, /odd is no field/],
    [{ ...LEAST, memoryMb: 4 }, /from 16 to 1024/],
    [{ ...LEAST, order: "first" }, /order is none of pre, normal, post/],
    [{ ...LEAST, permissions: { run: ["sh"] } }, /permissions\.run is no field/],
    [{ ...LEAST, permissions: { read: ["etc"] } }, /permissions\.read: "etc" is not an absolute path/],
    [{ ...LEAST, permissions: { read: ["/a,/b"] } }, /is not an absolute path/],
    [{ ...LEAST, permissions: { net: ["http://a"] } }, /is not HOST or HOST:PORT/],
    [{ ...LEAST, permissions: { net: ["a --allow-all"] } }, /is not HOST or HOST:PORT/],
    [{ ...LEAST, permissions: { env: ["A=B"] } }, /is not a name/],
    [{ ...LEAST, config: { a: { type: "date" } } }, /config\.a\.type is none of text, whole/],
    [{ ...LEAST, config: { a: { type: "list" } } }, /config\.a\.of is no object/],
    [{ ...LEAST, config: { a: { type: "choice", words: [] } } }, /config\.a\.words is no list of words/],
    [{ ...LEAST, config: { a: { type: "text", of: {} } } }, /config\.a\.of is nothing that a shape of type text has/],
  ];
  for (const [value, expected] of cases) assert.match(reason(value), expected);
  let deep: object = { type: "text" };
  for (let i = 0; i < 20; i++) deep = { type: "list", of: deep };
  assert.match(reason({ ...LEAST, config: { deep } }), /is too deep/);
});

Deno.test("settings are validated by the plugin's schema", () => {
  const config = {
    url: { type: "text", about: "where to" },
    level: { type: "choice", words: ["low", "high"], optional: true },
    tags: { type: "list", of: { type: "text" }, optional: true },
  };
  const manifest = parseManifest({ ...LEAST, config }, KNOWN);
  assert.deepEqual(checkSettings(manifest, { url: "x", tags: ["a"] }), { url: "x", tags: ["a"] });
  assert.throws(() => checkSettings(manifest, {}), /url is missing/);
  assert.throws(() => checkSettings(manifest, { url: 1 }), /url is no text/);
  assert.throws(() => checkSettings(manifest, { url: "x", level: "middle" }), /level is none of low, high/);
  assert.throws(() => checkSettings(manifest, { url: "x", more: 1 }), /more is no field/);
});

Deno.test("missing permissions are the requested ones that are not granted", () => {
  const query = parsePermissions({ net: ["a", "b"], read: ["/x"] });
  assert.deepEqual(missingPermissions(query, {}), query);
  assert.deepEqual(missingPermissions(query, { net: ["b", "c"], read: ["/x"] }), { net: ["a"] });
  assert.deepEqual(missingPermissions({}, query), {});
});
