import { strict as assert } from "node:assert";
import { type DumpCalls, netlinkDump } from "./netlink_dump.ts";
import { messagesIn, netlinkMessage, NLM_F } from "./netlink_message.ts";

const [ASK, ANSWER, OTHER] = [22, 20, 16];
type Answer = ReturnType<DumpCalls["receiveNetlink"]>;

const object = (value: number, { type = ANSWER, flags = 0 } = {}): Answer =>
  netlinkMessage({ type, flags, sequence: 1 }, Uint8Array.of(value, 0, 0, 0));

/** A kernel with an answer to each question. */
function kernel(...answers: Answer[][]) {
  const requested: number[] = [];
  let left: Answer[] = [];
  const calls: DumpCalls = {
    netlinkSocket: () => 7,
    netlinkPort: () => 1,
    sendNetlink: (_fd, requests) => {
      for (const { type } of messagesIn(requests)) requested.push(type);
      left = [...answers.shift()!];
      return Promise.resolve();
    },
    receiveNetlink: () => left.shift() ?? "again",
    close: () => {},
  };
  const list = async () => {
    const bodies = await netlinkDump(calls, { ask: ASK, answer: ANSWER, bodyBytes: 8 });
    return bodies.map(([value]) => value);
  };
  return { requested, list };
}

Deno.test("a list comes in parts; messages of other types are not in it", async () => {
  const { requested, list } = kernel([object(1), object(9, { type: OTHER }), object(2)]);
  assert.deepEqual([await list(), requested], [[1, 2], [ASK]]);
});

Deno.test("a list that changed while it was read, or was lost, is asked for again", async () => {
  const changed = object(1, { flags: NLM_F.DUMP_INTR });
  assert.deepEqual(await kernel([changed, object(2)], [object(1), "lost", object(3)], [object(4)]).list(), [4]);
  const busy = kernel(...Array.from({ length: 5 }, () => [changed]));
  assert.deepEqual([await busy.list(), busy.requested.length], [[1], 5]);
});
