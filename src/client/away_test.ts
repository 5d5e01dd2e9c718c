import { strict as assert } from "node:assert";
import { TsdError } from "../errors.ts";
import { whenBack } from "./away.ts";

const unavailable = (cause?: Error) => new TsdError("engine_unavailable", "nobody there", { cause });
const NO_SOCKET = unavailable(new Deno.errors.NotFound());

/** Fails in these ways, one after another, and then does no more. */
function attempts(failures: readonly TsdError[]) {
  const left = [...failures];
  return () => left.length === 0 ? Promise.resolve("back") : Promise.reject(left.shift());
}

Deno.test("an engine that comes back is waited for, also while its socket changes", async () => {
  assert.equal(await whenBack(attempts([unavailable(), NO_SOCKET, NO_SOCKET, unavailable()])), "back");
});

Deno.test("an engine that was ended is hardly waited for, and other failures are none of its business", async () => {
  const before = performance.now();
  await assert.rejects(whenBack(() => Promise.reject(NO_SOCKET)), NO_SOCKET);
  assert.ok(performance.now() - before < 9000);
  const other = new TsdError("conflict", "no");
  let count = 0;
  await assert.rejects(whenBack(() => Promise.reject((count++, other))), other);
  assert.equal(count, 1);
});
