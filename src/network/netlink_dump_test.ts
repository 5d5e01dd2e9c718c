import { strict as assert } from "node:assert";
import { type DumpCalls, netlinkDump } from "./netlink_dump.ts";
import { messagesIn, netlinkMessage, NLM_F } from "./netlink_message.ts";

const [ASK, ANSWER, OTHER] = [22, 20, 16];
type Answer = ReturnType<DumpCalls["receiveNetlink"]>;

const object = (value: number, { type = ANSWER, flags = 0 } = {}): Answer =>
  netlinkMessage({ type, flags, sequence: 1 }, Uint8Array.of(value, 0, 0, 0));

/** A fake kernel with scripted answers, one list for each request. */
function kernel(...answers: Answer[][]) {
  const requested: number[] = [];
  let pending: Answer[] = [];
  const calls: DumpCalls = {
    netlinkSocket: () => 7,
    netlinkPort: () => 1,
    sendNetlink: (_fd, requests) => {
      for (const { type } of messagesIn(requests)) requested.push(type);
      pending = [...answers.shift()!];
      return Promise.resolve();
    },
    receiveNetlink: () => pending.shift() ?? "again",
    close: () => {},
  };
  const list = async () => {
    const bodies = await netlinkDump(calls, { ask: ASK, answer: ANSWER, bodyBytes: 8 });
    return bodies.map(([value]) => value);
  };
  return { requested, list };
}

Deno.test("a dump may have several parts; messages of other types are ignored", async () => {
  const { requested, list } = kernel([object(1), object(9, { type: OTHER }), object(2)]);
  assert.deepEqual([await list(), requested], [[1, 2], [ASK]]);
});

Deno.test("a dump that was interrupted or lost messages is repeated", async () => {
  const changed = object(1, { flags: NLM_F.DUMP_INTR });
  assert.deepEqual(await kernel([changed, object(2)], [object(1), "lost", object(3)], [object(4)]).list(), [4]);
  const busy = kernel(...Array.from({ length: 5 }, () => [changed]));
  assert.deepEqual([await busy.list(), busy.requested.length], [[1], 5]);
});
