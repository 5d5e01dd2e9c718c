import { strict as assert } from "node:assert";
import { Outbox } from "./outbox.ts";

Deno.test("what can wait goes with what can't, in order and in one piece, or after a moment", async () => {
  const written: number[][] = [];
  const outbox = new Outbox((bytes) => Promise.resolve(void written.push([...bytes])));
  outbox.sendLater(Uint8Array.of(1));
  outbox.sendLater(Uint8Array.of(2, 3));
  assert.deepEqual(written, []);
  await outbox.send(Uint8Array.of(4));
  assert.deepEqual(written, [[1, 2, 3, 4]]);
  outbox.sendLater(Uint8Array.of(5));
  outbox.sendLater(Uint8Array.of(6));
  while (written.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(written[1], [5, 6]);
  outbox.sendLater(Uint8Array.of(7));
  outbox.close();
  await outbox.send(Uint8Array.of(8));
  assert.deepEqual(written[2], [8]);
});
