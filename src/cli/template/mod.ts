/**
 * @module
 * Go's text/template (Go 1.24) with the functions of the docker CLI, for `--format`. It refuses `define`, `template` and
 * `block`. Invariants: templates access only the given data, never the program's objects; output and error messages are
 * Go's. The module is loaded only by commands that were given a `--format`.
 */
import type { Node } from "./ast.ts";
import { evaluate } from "./evaluate.ts";
import { FUNCTIONS, HEAD_FUNCTIONS, PLAIN_FUNCTIONS } from "./functions.ts";
import { parseNodes } from "./parser.ts";
import { Struct, type Value } from "./value.ts";

export { TemplateError } from "./template_error.ts";
export { type GoMap, type Method, Nil, Struct, type Value } from "./value.ts";

/** A parsed template. */
export class Template {
  readonly #text: string;
  readonly #name: string;
  readonly #nodes: readonly Node[];

  /**
   * Parses a template.
   * @param name the template's name in error messages
   * @throws {TemplateError}
   */
  constructor(text: string, name = "") {
    this.#text = text;
    this.#name = name;
    const has = (called: string) => FUNCTIONS.has(called) || called === "and" || called === "or";
    this.#nodes = parseNodes(text, has, name);
  }

  /** Executes the template. With `strict` the data is untyped JSON, and a missing key is an error. @throws {TemplateError} */
  execute(data: Value, { strict = false }: { strict?: boolean } = {}): string {
    const functions = strict ? PLAIN_FUNCTIONS : FUNCTIONS;
    return evaluate(this.#text, this.#nodes, data, { functions, strict, name: this.#name });
  }

  /** Renders a table's header from the titles of the fields. @throws {TemplateError} */
  head(titles: Readonly<Record<string, string>>): string {
    const options = { functions: HEAD_FUNCTIONS, strict: false, name: this.#name };
    return evaluate(this.#text, this.#nodes, new Head(titles), options);
  }
}

/** The column titles of a table; a field without a title is not an error. */
class Head extends Struct {
  constructor(titles: Readonly<Record<string, string>>) {
    super("formatter.SubHeaderContext", { ...titles, Label: (name) => labelTitle(String(name)) });
  }

  override has(): boolean {
    return true;
  }
}

/** Returns the title of a label's column: `my label` for `com.example.my-label`. */
const labelTitle = (name: string): string => name.slice(name.lastIndexOf(".") + 1).replace(/[-_]/g, " ");
