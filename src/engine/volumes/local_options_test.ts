import { strict as assert } from "node:assert";
import { MS } from "../../sys/mod.ts";
import { localMount } from "./local_options.ts";

Deno.test("options of mount(8) become flags and data; later words win", () => {
  assert.equal(localMount(null), undefined);
  assert.equal(localMount({}), undefined);
  assert.deepEqual(localMount({ type: "tmpfs", device: "tmpfs", o: "size=1m,ro,nosuid,,rw,uid=7" }), {
    source: "tmpfs",
    type: "tmpfs",
    flags: MS.NOSUID,
    data: "size=1m,uid=7",
  });
  assert.deepEqual(localMount({ type: "none", device: "/srv", o: "rbind,constructor" }), {
    source: "/srv",
    type: "none",
    flags: MS.BIND | MS.REC,
    data: "constructor",
  });
});
