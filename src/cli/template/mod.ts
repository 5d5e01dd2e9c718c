/**
 * @module
 * Templates of Go's text/template (Go 1.24) with the functions of the docker CLI, for `--format`. It refuses `define`,
 * `template` and `block`. Invariants: templates see data only, never this program; output and messages are those of Go.
 * It is loaded by commands that got a `--format`, never before.
 */
import type { Node } from "./ast.ts";
import { evaluate } from "./evaluate.ts";
import { FUNCTIONS, HEAD_FUNCTIONS, PLAIN_FUNCTIONS } from "./functions.ts";
import { parseNodes } from "./parser.ts";
import { Struct, type Value } from "./value.ts";

export { TemplateError } from "./template_error.ts";
export { type GoMap, type Method, Nil, Struct, type Value } from "./value.ts";

/** A template that was read. */
export class Template {
  readonly #text: string;
  readonly #name: string;
  readonly #nodes: readonly Node[];

  /** `name` is what messages call it. @throws {TemplateError} */
  constructor(text: string, name = "") {
    this.#text = text;
    this.#name = name;
    const has = (called: string) => FUNCTIONS.has(called) || called === "and" || called === "or";
    this.#nodes = parseNodes(text, has, name);
  }

  /** With `strict` the data is plain JSON, and a key that isn't there is an error. @throws {TemplateError} */
  execute(data: Value, { strict = false }: { strict?: boolean } = {}): string {
    const functions = strict ? PLAIN_FUNCTIONS : FUNCTIONS;
    return evaluate(this.#text, this.#nodes, data, { functions, strict, name: this.#name });
  }

  /** The head of a table, from the titles of the fields. @throws {TemplateError} */
  head(titles: Readonly<Record<string, string>>): string {
    const options = { functions: HEAD_FUNCTIONS, strict: false, name: this.#name };
    return evaluate(this.#text, this.#nodes, new Head(titles), options);
  }
}

/** The titles of a table; a field that has none is no error. */
class Head extends Struct {
  constructor(titles: Readonly<Record<string, string>>) {
    super("formatter.SubHeaderContext", { ...titles, Label: (name) => labelTitle(String(name)) });
  }

  override has(): boolean {
    return true;
  }
}

/** `com.example.my-label` has the title `my label`. */
const labelTitle = (name: string): string => name.slice(name.lastIndexOf(".") + 1).replace(/[-_]/g, " ");
