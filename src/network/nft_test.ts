import { strict as assert } from "node:assert";
import { attributeIn, messagesIn, netlinkMessage, textAttribute } from "./netlink_message.ts";
import { elementBatch, ruleNotice } from "./nft_messages.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("an element is encoded as by nft(8)", () => {
  const bytes = elementBatch({
    table: "tt",
    removed: [],
    added: [{ map: "everywhere", text: "udp . 84 : 172.17.0.3 . 80" }],
  });
  const [begin, element, end] = [...messagesIn(bytes)];
  assert.deepEqual([begin?.type, element?.type, end?.type], [16, 2572, 17]);
  assert.equal(hex(begin!.body), "0000000a");
  const key = "10000180" + "0c000100" + "11000000" + "00540000";
  const data = "10000280" + "0c000100" + "ac110003" + "00500000";
  assert.equal(
    hex(element!.body),
    "01000000" + "07000100" + "74740000" + "0f000200" + hex(new TextEncoder().encode("everywhere")) + "0000" +
      "28000380" + "24000180" + key + data,
  );
});

Deno.test("a subnet in a set is an interval if it is the whole key, else a range", () => {
  const element = (map: string, text: string) => {
    const all = [...messagesIn(elementBatch({ table: "t", removed: [], added: [{ map, text }] }))][1]!;
    return hex(attributeIn(all.body.subarray(4), 3)!);
  };
  const key = (bytes: string) => "0c000180" + "08000100" + bytes;
  const end = "08000300" + "00000001";
  assert.equal(
    element("a", "10.1.2.0/24"),
    "10000180" + key("0a010200") + "18000180" + key("0a010300") + end,
  );
  assert.equal(element("a", "255.255.255.0/24"), "10000180" + key("ffffff00"));
  const name = "62300000" + "0".repeat(24);
  const range = (type: string, address: string) => `1c00${type}80` + "18000100" + address + name;
  assert.equal(
    element("a", '10.1.2.0/24 . "b0"'),
    "3c000180" + range("01", "0a010200") + range("0a", "0a0102ff"),
  );
  assert.equal(element("a", '"b0"'), "1c000180" + "18000180" + "14000100" + name);
});

Deno.test("elements are split into messages by map and by 256", () => {
  const added = Array.from({ length: 300 }, (_, at) => ({ map: "a", text: `tcp . ${at + 1} : 10.0.0.1 . 80` }));
  const removed = [{ map: "b", text: "fd00::1 . tcp . 1 : 10.0.0.1 . 80" }];
  const types = [...messagesIn(elementBatch({ table: "t", added, removed }))].map(({ type }) => type);
  assert.deepEqual(types, [16, 2574, 2572, 2572, 17]);
});

Deno.test("notifications of changes are decoded; truncated messages are dropped", () => {
  const head = new Uint8Array([1, 0, 0, 0]);
  const rule = netlinkMessage({ type: 0xa06, flags: 0, sequence: 1 }, head, textAttribute(1, "tsd"));
  const end = netlinkMessage({ type: 0xa0f, flags: 0, sequence: 1 }, head);
  const other = netlinkMessage({ type: 0x106, flags: 0, sequence: 1 }, head);
  const all = new Uint8Array([...rule, ...end, ...other, ...rule.subarray(0, 20)]);
  assert.deepEqual([...messagesIn(all)].map(ruleNotice), [{ table: "tsd" }, "end", undefined]);
  assert.equal(attributeIn(new Uint8Array([9, 0, 1, 0]), 1), undefined);
});
