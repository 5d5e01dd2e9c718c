import { UsageError } from "../../cli/mod.ts";

/**
 * Parses one record of comma-separated values (RFC 4180) as Go's encoding/csv does: `"` encloses a field that contains commas
 * or quotes, `""` is a quote inside. @throws {UsageError} with Go's messages
 */
export function csvFields(text: string): string[] {
  if (text === "") throw new UsageError("EOF");
  const fields: string[] = [];
  for (let at = 0;;) {
    const field = text[at] === '"' ? quoted(text, at) : plain(text, at);
    fields.push(field.value);
    if (field.end >= text.length) return fields;
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  /** The offset of the comma after the field, or the end of the text. */
  readonly end: number;
}

function plain(text: string, start: number): Field {
  const comma = text.indexOf(",", start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  const quote = value.indexOf('"');
  if (quote >= 0) throw parseError(start + quote, 'bare " in non-quoted-field');
  return { value, end };
}

function quoted(text: string, start: number): Field {
  let value = "";
  for (let at = start + 1;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw parseError(text.length, 'extraneous or missing " in quoted-field');
    value += text.slice(at, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ",") return { value, end: quote + 1 };
    if (next !== '"') throw parseError(quote, 'extraneous or missing " in quoted-field');
    value += '"';
    at = quote + 2;
  }
}

const parseError = (at: number, why: string) => new UsageError(`parse error on line 1, column ${at + 1}: ${why}`);
