import { strict as assert } from "node:assert";
import fc from "fast-check";
import { decode, type Decoded, type Shape } from "./decode.ts";
import { mapOf, respelt, sparse, SPELLING } from "./json_testing.ts";

/** A struct with every kind of field. */
interface Struct {
  Text?: string;
  Flag?: boolean;
  Count?: number;
  Limit?: number | null;
  Masks?: readonly string[] | null;
  Words?: readonly string[] | null;
  Lists?: readonly (readonly string[])[] | null;
  Labels?: Readonly<Record<string, string>> | null;
  Ports?: Readonly<Record<string, Record<string, never>>> | null;
  Log?: Log | null;
  Value?: Log;
  Mounts?: readonly Mount[] | null;
  Map?: Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>>;
  Structs?: Readonly<Record<string, Log | null>>;
}

interface Log {
  Type?: string;
  Config?: Readonly<Record<string, string>> | null;
}

interface Mount {
  Target?: string;
  Bind?: { Task?: boolean; Risk?: boolean | null } | null;
}

const LOG: Shape<Log> = { Type: "text", Config: "textMap" };
const SHAPE: Shape<Struct> = {
  Text: "text",
  Flag: "flag",
  Count: "number",
  Limit: { pointer: "number" },
  Masks: "texts",
  Words: "textOrTexts",
  Lists: "textLists",
  Labels: "textMap",
  Ports: "set",
  Log: { pointer: { object: LOG } },
  Value: { object: LOG },
  Mounts: { each: { Target: "text", Bind: { pointer: { object: { Task: "flag", Risk: { pointer: "flag" } } } } } },
  Map: { map: { each: { HostIp: "text", HostPort: "text" } } },
  Structs: { map: { object: LOG } },
};

const wrongType = (path: string, must: string) => new Error(`${path || "it"} must be ${must}`);
const decoded = (value: unknown): Decoded<Struct> => decode(value, SHAPE, wrongType);

interface Recorded {
  readonly input: string;
  readonly output?: unknown;
  readonly error?: true;
}

Deno.test("an object is decoded like by Go's decoder", async () => {
  const cases: Recorded[] = JSON.parse(await Deno.readTextFile(new URL("./testdata/go.json", import.meta.url)));
  assert.ok(cases.length > 60);
  for (const { input, output, error = false } of cases) {
    const attempt = () => decoded(JSON.parse(input));
    if (error) assert.throws(attempt, /must be/, input);
    else assert.deepEqual(attempt(), output, input);
  }
});

Deno.test("letters are folded like in Go: ASCII, and two characters that Unicode folds to ASCII letters", () => {
  const folded = (letter: string) => {
    const shape = { [letter]: "text" } as Shape<object>;
    const taken = (key: string) => letter in decode<object>({ [key]: "x" }, shape, wrongType);
    return Array.from({ length: 0x20000 }, (_, code) => String.fromCodePoint(code)).filter(taken);
  };
  assert.deepEqual(folded("S"), ["S", "s", "\u017f"]);
  assert.deepEqual(folded("K"), ["K", "k", "\u212a"]);
  assert.deepEqual(folded("I"), ["I", "i"]);
  assert.deepEqual(folded("["), ["["]);
});

Deno.test("keys in any case decode to the same, keys of maps are kept", () => {
  const text = fc.string({ maxLength: 3 }).filter((each) => !each.includes("\0"));
  const log = sparse({ Type: text, Config: mapOf(text) });
  const mount = sparse({ Target: text, Bind: sparse({ Task: fc.boolean(), Risk: fc.boolean() }) });
  const struct = sparse({
    ...{ Text: text, Flag: fc.boolean(), Count: fc.maxSafeInteger(), Limit: fc.maxSafeInteger() },
    ...{ Masks: fc.array(text), Words: fc.array(text), Lists: fc.array(fc.array(text)), Labels: mapOf(text) },
    ...{ Ports: mapOf(fc.constant({})), Log: log, Value: log, Structs: mapOf(fc.option(log)) },
    ...{ Mounts: fc.array(mount), Map: mapOf(fc.option(fc.array(sparse({ HostIp: text, HostPort: text })))) },
  });
  const maps = new Set(["Labels", "Config", "Ports", "Map", "Structs"]);
  fc.assert(fc.property(struct, SPELLING, (value, choices) => {
    assert.deepEqual(decoded(respelt(value, choices, (field) => maps.has(field))), value);
    assert.deepEqual(decoded(value), value);
  }));
});

Deno.test("errors name the field by its own name", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ text: "a\0b" }, "Text must be a text without NUL"],
    [{ mounts: [{}, { bind: { risk: 1 } }] }, "Mounts[1].Bind.Risk must be true or false"],
    [{ map: { "80/tcp": [{ hostport: 80 }] } }, 'Map["80/tcp"][0].HostPort must be a text without NUL'],
    [{ structs: { ["\n".repeat(200)]: 5 } }, `Structs["${"\\n".repeat(80)}"] must be an object`],
    [{ masks: [null] }, "Masks must be a list of texts"],
    [[], "it must be an object"],
  ];
  for (const [value, message] of wrong) assert.throws(() => decoded(value), { message });
  assert.throws(() => decode({ n: 2 ** 60 }, { N: "number" } as Shape<{ N: number }>, wrongType), /^Error: N must be/);
});

Deno.test("names from Object's prototype are ordinary keys", () => {
  const given = JSON.parse(
    '{"__proto__":{"Flag":true},"labels":{"__proto__":"x"},"structs":{"__proto__":{"type":"y"}}}',
  );
  const { Labels, Structs, ...rest } = decoded(given);
  assert.deepEqual([JSON.stringify(Labels), JSON.stringify(Structs), rest], [
    ...['{"__proto__":"x"}', '{"__proto__":{"Type":"y"}}'],
    {},
  ]);
  assert.equal(decoded(given).Flag, undefined);
});

Deno.test("a shape has all fields of its type, each with a kind that fits", () => {
  interface Pair {
    readonly text?: string;
    readonly list?: readonly string[] | null;
  }
  const whole: Shape<Pair> = { text: "text", list: { ignored: "texts", because: "this is a test" } };
  // @ts-expect-error: one is missing
  const missing: Shape<Pair> = { text: "text" };
  // @ts-expect-error: one is of another type
  const wrong: Shape<Pair> = { text: "text", list: "textMap" };
  // @ts-expect-error: one is too many
  const more: Shape<Pair> = { text: "text", list: "texts", third: "text" };
  assert.deepEqual(decode({ Text: "a", LIST: ["b"] }, whole, wrongType), { text: "a", list: ["b"] });
  assert.equal([missing, wrong, more].length, 3);
});
