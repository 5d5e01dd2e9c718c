/**
 * Listings by Go template. Loaded for a `--format` that needs it.
 */
import { printable, renderTable } from "../../cli/mod.ts";
import { Nil, Struct, Template, TemplateError } from "../../cli/template/mod.ts";
import { escapedJson, type ListRow, type ListView, type RowMethods, templateFailure } from "./list_format.ts";

const TABLE = "table";
const USUAL_FAILURES = { parse: "template parsing error", execute: "template parsing error" };

/** @throws {StatusError} for a template that doesn't fit */
export function renderListTemplate<Field extends string>(
  view: ListView<Field>,
  format: string,
  rows: readonly ListRow<Field>[],
  methods: readonly RowMethods[],
): string {
  const { typeName, titles, failures = USUAL_FAILURES } = view;
  if (view.failures !== undefined) tryOut(view, format, view.failures);
  const isTable = format.startsWith(TABLE);
  const text = (isTable ? format.slice(TABLE.length) : format).replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const template = explained(failures.parse, () => new Template(text));
  const lines = rows.map((row, index) =>
    explained(failures.execute, () => template.execute(rowStruct(typeName, row, methods[index])))
  );
  if (!isTable) return lines.map((line) => `${line}\n`).join("");
  const head = explained(failures.execute, () => template.head(titles));
  const cells = [head, ...lines].flatMap((line) => line.split("\n")).map((line) => line.split("\t"));
  return renderTable(cells);
}

/** A row as templates see it. */
export function rowStruct(typeName: string, row: ListRow<string>, methods: RowMethods = {}): Struct {
  const calls = Object.entries(methods).map(([name, call]) => [name, oneArgument(call)]);
  return new Struct(typeName, { ...nullsTyped(row), ...Object.fromEntries(calls) }, { text: escapedJson(row) });
}

/** docker's `ps` runs a template once without data, as it was given, also where it makes a table. */
function tryOut(
  { typeName, titles }: ListView<string>,
  format: string,
  { parse, execute }: NonNullable<ListView<string>["failures"]>,
): void {
  const template = explained(parse, () => new Template(format));
  const blank = Object.fromEntries(Object.keys(titles).map((field) => [field, ""]));
  explained(execute, () => template.execute(new Struct(typeName, { ...blank, Label: oneArgument(() => "") })));
}

/** Control characters that came from an image or a container don't get to the terminal; those of the template do. */
const nullsTyped = (row: ListRow<string>) =>
  Object.fromEntries(
    Object.entries(row).map(([field, value]) => [field, value === null ? new Nil("pointer") : printable(value)]),
  );

const oneArgument = (call: (argument: string) => string) => (argument: unknown) => call(String(argument));

function explained<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw templateFailure(`${what}: ${thrown.message}`);
    throw thrown;
  }
}
