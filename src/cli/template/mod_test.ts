import { strict as assert } from "node:assert";
import fc from "fast-check";
import { Nil, Struct, Template, TemplateError } from "./mod.ts";

/** The output of Go 1.24's text/template with the docker CLI's functions for each template (see testdata/README.md). */
interface Recorded {
  readonly data: never;
  readonly cases: readonly {
    readonly template: string;
    readonly strict: boolean;
    readonly output?: string;
    readonly error?: string;
  }[];
}

const RECORDED: Recorded = JSON.parse(await Deno.readTextFile(new URL("./testdata/go.json", import.meta.url)));

function attempt(template: string, data: never, strict: boolean): string {
  try {
    return `output: ${new Template(template).execute(data, { strict })}`;
  } catch (thrown) {
    if (thrown instanceof TemplateError) return `error: ${thrown.message}`;
    throw thrown;
  }
}

Deno.test("templates: output and messages are those of Go", () => {
  const wrong: string[] = [];
  for (const { template, strict, output, error } of RECORDED.cases) {
    const expected = output === undefined ? `error: ${error}` : `output: ${output}`;
    // Without `strict` the data has named types, so these messages differ from Go's for untyped data.
    if (!strict && (expected.endsWith("in type interface {}") || template.includes('"none"'))) continue;
    const got = attempt(template, RECORDED.data, strict);
    if (got !== expected) wrong.push(`${template} (${strict})\n  Go:  ${expected}\n  tsd: ${got}`);
  }
  assert.equal(wrong.join("\n"), "");
});

const struct = () =>
  new Struct("*test.row", {
    ID: "abc",
    Null: new Nil("pointer"),
    List: new Nil("list"),
    Map: new Nil("map"),
    Inner: new Struct("test.inner", { A: 1, B: "x y", C: [true] }),
    Labels: { a: "1" },
    Label: (name) => name === "a" ? "1" : "",
  });

Deno.test("templates: typed data gives typed output and error messages", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["{{.ID}} {{.Inner}} {{.Labels}}", "abc {1 x y [true]} map[a:1]"],
    ["{{.Null}} {{.List}} {{.Map}} {{len .List}}", "<nil> [] map[] 0"],
    ["{{json .Null}} {{json .Inner}}", 'null {"A":1,"B":"x y","C":[true]}'],
    ['{{.Label "a"}}|{{.Label "b"}}', "1|"],
    ['{{index .Labels "a"}}|{{index .Labels "b"}}|{{.Labels.b}}', "1||<no value>"],
    ["{{range .List}}x{{else}}none{{end}}{{if .Null}}x{{end}}{{with .Inner}}{{.A}}{{end}}", "none1"],
  ];
  for (const [template, output] of cases) assert.equal(new Template(template).execute(struct()), output, template);
  const errors: readonly (readonly [string, string])[] = [
    ["{{.Nope}}", `template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *test.row`],
    ["{{.Inner.X}}", `template: :1:8: executing "" at <.Inner.X>: can't evaluate field X in type test.inner`],
    ["{{.ID.X}}", `template: :1:5: executing "" at <.ID.X>: can't evaluate field X in type string`],
    ["{{.Label}}", `template: :1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0`],
  ];
  for (const [template, message] of errors) {
    assert.throws(() => new Template(template).execute(struct()), new TemplateError(message));
  }
});

Deno.test("templates: a table's header is rendered from column titles", () => {
  const head = (template: string) => new Template(template).head({ ID: "CONTAINER ID", Names: "NAMES" });
  assert.equal(
    head('{{.ID}}\t{{lower .Names}}\t{{.Nope}}\t{{.Label "com.example.my-label"}}'),
    "CONTAINER ID\tNAMES\t<no value>\tmy label",
  );
  assert.equal(
    head('{{truncate .ID 2}}|{{join (split .Names ",") "-"}}|{{json .ID}}'),
    "CONTAINER ID|NAMES|CONTAINER ID",
  );
});

Deno.test("templates: a template without actions is output unchanged", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    fc.pre(!text.includes("{{"));
    assert.equal(new Template(text).execute(null), text);
  }));
});

Deno.test("templates: quoted strings round-trip", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    fc.pre(!/[\u007f-\uffff]/.test(text));
    assert.equal(new Template(`{{${JSON.stringify(text)}}}`).execute(null), text);
  }));
});

Deno.test("templates: every template is executed or refused with a TemplateError", () => {
  const word = fc.constantFrom(
    ...[
      "{{",
      "}}",
      "{{- ",
      " -}}",
      ".",
      ".A",
      ".B",
      "$",
      "$x",
      ":=",
      "=",
      "|",
      "(",
      ")",
      ",",
      " ",
      '"a"',
      "`",
      '"',
      "'c'",
    ],
    ...["1", "-2", "if", "range", "with", "else", "end", "break", "len", "index", "join", "eq", "and", "nil", "true"],
    ...["printf", "json", "{{end}}", "{{else}}", "/*", "*/", "é", "\n", "@"],
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const template = words.join("");
      try {
        assert.equal(
          typeof new Template(template).execute({ A: "a", B: [1, { C: null }] }, { strict: true }),
          "string",
        );
      } catch (thrown) {
        assert(thrown instanceof TemplateError, `${template}: ${thrown}`);
        assert.match(thrown.message, /^template: :\d+(:\d+: executing "" at <[^]*>)?: [^]+/);
      }
    }),
    { numRuns: 2000 },
  );
});
