/**
 * Renders listings with a Go template. Loaded only for a `--format` that needs it.
 */
import { printable, renderTable } from "../../cli/mod.ts";
import { Nil, Struct, Template, TemplateError } from "../../cli/template/mod.ts";
import { escapedJson, type ListRow, type ListView, type RowMethods, templateFailure } from "./list_format.ts";

const TABLE = "table";
const DEFAULT_FAILURES = { parse: "template parsing error", execute: "template parsing error" };

/** Renders rows with a template. @throws {StatusError} for an invalid template, or one that doesn't fit the rows */
export function renderListTemplate<Field extends string>(
  view: ListView<Field>,
  format: string,
  rows: readonly ListRow<Field>[],
  methods: readonly RowMethods[],
): string {
  const { typeName, titles, failures = DEFAULT_FAILURES } = view;
  if (view.failures !== undefined) tryOut(view, format, view.failures);
  const isTable = format.startsWith(TABLE);
  const text = (isTable ? format.slice(TABLE.length) : format).replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const template = withErrorPrefix(failures.parse, () => new Template(text));
  const lines = rows.map((row, index) =>
    withErrorPrefix(failures.execute, () => template.execute(rowStruct(typeName, row, methods[index])))
  );
  if (!isTable) return lines.map((line) => `${line}\n`).join("");
  const head = withErrorPrefix(failures.execute, () => template.head(titles));
  const cells = [head, ...lines].flatMap((line) => line.split("\n")).map((line) => line.split("\t"));
  return renderTable(cells);
}

/** Converts a row to the struct on which templates operate. */
export function rowStruct(typeName: string, row: ListRow<string>, methods: RowMethods = {}): Struct {
  const calls = Object.entries(methods).map(([name, call]) => [name, oneArgument(call)]);
  return new Struct(typeName, { ...typedFields(row), ...Object.fromEntries(calls) }, { text: escapedJson(row) });
}

/** Executes a template once without data, unmodified even if it is for a table, as docker's `ps` does. */
function tryOut(
  { typeName, titles }: ListView<string>,
  format: string,
  { parse, execute }: NonNullable<ListView<string>["failures"]>,
): void {
  const template = withErrorPrefix(parse, () => new Template(format));
  const blank = Object.fromEntries(Object.keys(titles).map((field) => [field, ""]));
  withErrorPrefix(execute, () => template.execute(new Struct(typeName, { ...blank, Label: oneArgument(() => "") })));
}

/**
 * Converts null to a nil pointer and replaces control characters in values, which come from images or containers. Those of the
 * template are kept.
 */
const typedFields = (row: ListRow<string>) =>
  Object.fromEntries(
    Object.entries(row).map(([field, value]) => [field, value === null ? new Nil("pointer") : printable(value)]),
  );

const oneArgument = (call: (argument: string) => string) => (argument: unknown) => call(String(argument));

function withErrorPrefix<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw templateFailure(`${what}: ${thrown.message}`);
    throw thrown;
  }
}
