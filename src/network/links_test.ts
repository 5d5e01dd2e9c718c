import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { files, netlink } from "../sys/mod.ts";
import { linkKinds } from "./links.ts";

Deno.test("the interfaces of this machine, as Deno knows them", async () => {
  const found = await linkKinds({ ...files, ...netlink });
  const names = new Set(found.map(({ name }) => name));
  for (const { name } of Deno.networkInterfaces()) assert.ok(names.has(name), name);
  assert.deepEqual(found.filter(({ name }) => name === "lo"), [{ name: "lo", kind: undefined }]);
});
