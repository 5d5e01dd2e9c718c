import { strict as assert } from "node:assert";
import { Database } from "./database.ts";
import { InstalledPlugins } from "./installed_plugins.ts";

const plugin = (name: string, digest = "1") => ({
  ...{ name, file: `/p/${name}.ts`, digest, manifest: { name }, granted: { net: ["a"] }, config: { a: 1 } },
  isEnabled: true,
});

Deno.test("plugins keep their order of installation when they are changed", () => {
  using db = Database.open(":memory:");
  const plugins = new InstalledPlugins(db);
  assert.equal(plugins.placeOf("c"), 1);
  for (const name of ["c", "a", "b"]) plugins.put(plugin(name));
  plugins.put({ ...plugin("c", "2"), isEnabled: false });
  assert.deepEqual(plugins.list(), [{ ...plugin("c", "2"), isEnabled: false }, plugin("a"), plugin("b")]);
  assert.deepEqual(["c", "a", "b", "new"].map((name) => plugins.placeOf(name)), [1, 2, 3, 4]);
  plugins.remove("c");
  plugins.put(plugin("c"));
  assert.deepEqual(plugins.list().map(({ name }) => name), ["a", "b", "c"]);
});
