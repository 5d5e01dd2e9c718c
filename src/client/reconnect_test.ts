import { strict as assert } from "node:assert";
import { TsdError } from "../errors.ts";
import { persistently, retryIdempotent, retryUntilAvailable } from "./reconnect.ts";
import { connectionLost } from "./byte_reader.ts";

const unavailable = (cause?: Error) => new TsdError("engine_unavailable", "nobody there", { cause });
const NO_SOCKET = unavailable(new Deno.errors.NotFound());

/** Fails in these ways, one after another, and then does no more. */
function attempts(failures: readonly TsdError[]) {
  const left = [...failures];
  return () => left.length === 0 ? Promise.resolve("back") : Promise.reject(left.shift());
}

Deno.test("an engine that comes back is waited for, also while its socket changes", async () => {
  assert.equal(await retryUntilAvailable(attempts([unavailable(), NO_SOCKET, NO_SOCKET, unavailable()])), "back");
});

Deno.test("an engine that was ended is hardly waited for, and other failures are none of its business", async () => {
  const before = performance.now();
  await assert.rejects(retryUntilAvailable(() => Promise.reject(NO_SOCKET)), NO_SOCKET);
  assert.ok(performance.now() - before < 9000);
  const other = new TsdError("conflict", "no");
  let count = 0;
  await assert.rejects(retryUntilAvailable(() => Promise.reject((count++, other))), other);
  assert.equal(count, 1);
});

Deno.test("what can be done twice is, as often as the engine goes away in it, also where it takes a while to return", async () => {
  assert.equal(
    await retryIdempotent(attempts([connectionLost(), unavailable(), NO_SOCKET, connectionLost(), connectionLost()])),
    "back",
  );
  // Nobody who was there at first is waited for.
  await assert.rejects(retryIdempotent(attempts([unavailable()])), unavailable());
});

Deno.test("a question is asked again, where its answer was cut off or never came", async () => {
  const uses = attempts([connectionLost(), connectionLost()]);
  const requested = attempts([connectionLost(), unavailable()]);
  let count = 0;
  const ask = () => (count++, requested());
  assert.equal(await persistently(ask, uses), "back");
  assert.equal(count, 5);
  await assert.rejects(persistently(attempts([unavailable()]), uses), unavailable());
});
