import { strict as assert } from "node:assert";
import { RecordParser } from "./record_parser.ts";

const parse = (text: string) => {
  const record = new RecordParser().parse(new TextEncoder().encode(text));
  return record && { ...record, bytes: new TextDecoder().decode(record.bytes) };
};
const TIME = "2026-01-02T03:04:05.000000006Z";

Deno.test("parses plain records, with and without a newline, of both streams", () => {
  const plain = { bytes: "a b\n", stream: "stdout", time: TIME, continues: false };
  assert.deepEqual(parse(`{"log":"a b\\n","stream":"stdout","time":"${TIME}"}`), plain);
  assert.deepEqual(parse(`{"log":"","stream":"stderr","time":"${TIME}"}`), { ...plain, bytes: "", stream: "stderr" });
  assert.deepEqual(parse(`{"log":"\\n","stream":"stderr","time":"${TIME}"}`), {
    ...plain,
    bytes: "\n",
    stream: "stderr",
  });
});

Deno.test("parses escapes, other fields and records written by Docker", () => {
  const record = { stream: "stdout", time: TIME, continues: false };
  assert.deepEqual(parse(`{"log":"\\u003c\\"\\\\n","stream":"stdout","time":"${TIME}"}`), {
    ...record,
    bytes: '<"\\n',
  });
  assert.deepEqual(parse(`{"log":"\\n\\n","stream":"stdout","time":"${TIME}"}`), { ...record, bytes: "\n\n" });
  assert.deepEqual(parse(`{"log":"a","part":"rest","stream":"stdout","time":"${TIME}"}`), {
    ...{ ...record, bytes: "a", continues: true },
  });
  assert.deepEqual(parse(`{"log":"a\\n","stream":"stdout","attrs":{"k":"v"},"time":"${TIME}"}`), {
    ...{ ...record, bytes: "a\n", attrs: { k: "v" } },
  });
  assert.deepEqual(parse(`{"log":"\\ufffd","raw":"/w==","stream":"stdout","time":"${TIME}"}`)?.bytes, "\ufffd");
  assert.deepEqual(
    parse('{"log":"a\\n","stream":"stdout","time":"2026-01-02T03:04:05.1Z"}')?.time,
    "2026-01-02T03:04:05.1Z",
  );
});

Deno.test("returns undefined for invalid records", () => {
  const bad = [
    "",
    "x",
    "{",
    "null",
    "[]",
    "{}",
    '{"log":1,"stream":"stdout","time":"t"}',
    '{"log":"a","stream":"x","time":"t"}',
  ];
  for (const text of bad) assert.equal(parse(text), undefined, text);
});

Deno.test("each record has its own time", () => {
  const parser = new RecordParser();
  const times = [1, 1, 2, 1].map((second) => TIME.replace("05.", `0${second}.`));
  const line = (time: string) => new TextEncoder().encode(`{"log":"a\\n","stream":"stdout","time":"${time}"}`);
  assert.deepEqual(times.map((time) => parser.parse(line(time))?.time), times);
});
