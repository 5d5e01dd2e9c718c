/**
 * Parses a template's tokens into a syntax tree, with the checks and the error messages of Go's text/template/parse.
 * `define`, `template` and `block` are refused: a format is one template.
 */
import type { ActionNode, BranchNode, Command, Node, Operand, Pipe } from "./ast.ts";
import { parseNumber, unquote } from "./literals.ts";
import { tokenize } from "./lexer.ts";
import { TemplateError } from "./template_error.ts";
import type { Token, TokenKind } from "./token.ts";

/**
 * Parses a template.
 * @param hasFunction whether a function of this name is defined
 * @param name the template's name in error messages
 * @throws {TemplateError}
 */
export function parseNodes(
  text: string,
  hasFunction: (name: string) => boolean,
  name: string,
): readonly Node[] {
  return new Parser(text, hasFunction, name).parse();
}

/** A list of nodes and what ended it. */
interface Ending {
  readonly word: "end" | "else" | "eof";
  readonly nodes: readonly Node[];
}

class Parser {
  readonly #text: string;
  readonly #name: string;
  readonly #tokens: readonly Token[];
  readonly #hasFunction: (name: string) => boolean;
  readonly #variables = ["$"];
  #at = 0;
  #ranges = 0;

  constructor(text: string, hasFunction: (name: string) => boolean, name: string) {
    this.#text = text;
    this.#name = name;
    this.#tokens = tokenize(text);
    this.#hasFunction = hasFunction;
  }

  parse(): readonly Node[] {
    const { word, nodes } = this.#list();
    if (word !== "eof") throw this.#error(`unexpected {{${word}}}`);
    return nodes;
  }

  #list(): Ending {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#next();
      if (token.kind === "eof") return { word: "eof", nodes };
      if (token.kind === "text") nodes.push({ kind: "text", text: token.text });
      else if (token.kind === "open") {
        const node = this.#action();
        if (typeof node === "string") return { word: node, nodes };
        nodes.push(node);
      } else throw this.#unexpected(token, "input");
    }
  }

  #action(): Node | "end" | "else" {
    const token = this.#nextNonSpace();
    if (token.kind !== "keyword") {
      this.#back(token);
      return { kind: "action", pipe: this.#pipe("command", "close") } satisfies ActionNode;
    }
    switch (token.text) {
      case "if":
      case "with":
      case "range":
        return this.#branch(token.text);
      case "end":
        this.#expect("close", "end");
        return "end";
      case "else":
        return this.#else();
      case "break":
      case "continue":
        this.#expect("close", `{{${token.text}}}`);
        if (this.#ranges === 0) throw this.#error(`{{${token.text}}} outside {{range}}`);
        return { kind: "jump", to: token.text };
      default:
        throw this.#error(`{{${token.text}}} is not supported: a format is one template`);
    }
  }

  /** Reads `else`. The `if` or `with` of `else if` and `else with` is left to be read. */
  #else(): "else" {
    const token = this.#nextNonSpace();
    this.#back(token);
    if (token.kind === "keyword" && (token.text === "if" || token.text === "with")) return "else";
    this.#expect("close", "else");
    return "else";
  }

  #branch(kind: BranchNode["kind"]): BranchNode {
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind, "close");
    if (kind === "range") this.#ranges++;
    const { word, nodes: body } = this.#list();
    if (kind === "range") this.#ranges--;
    let otherwise: readonly Node[] = [];
    if (word === "else") otherwise = this.#otherwise(kind);
    else if (word === "eof") throw this.#error("unexpected EOF");
    this.#variables.length = scope;
    return { kind, pipe, body, otherwise };
  }

  #otherwise(kind: BranchNode["kind"]): readonly Node[] {
    const before = this.#tokens[this.#at - 1];
    if (before.kind !== "close") {
      const { text } = this.#nextNonSpace();
      if (text !== kind) throw this.#error(`unexpected <${text}> in ${kind === "range" ? "else" : "input"}`);
      // One `end` closes both.
      return [this.#branch(kind)];
    }
    const { word, nodes } = this.#list();
    if (word === "eof") throw this.#error("unexpected EOF");
    if (word === "else") throw this.#error("expected end; found {{else}}");
    return nodes;
  }

  #pipe(context: string, end: TokenKind): Pipe {
    const first = this.#peekNonSpace();
    const { names, assigns } = this.#declaration(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.kind === end) {
        this.#checkPipe(commands, context);
        return { kind: "pipe", at: first.at, names, assigns, commands };
      }
      if (!STARTS_OPERAND.has(token.kind)) throw this.#unexpected(token, context);
      this.#back(token);
      commands.push(this.#command());
    }
  }

  #declaration(context: string): { names: string[]; assigns: boolean } {
    const start = this.#at;
    const names: string[] = [];
    for (;;) {
      const variable = this.#nextNonSpace();
      if (variable.kind !== "variable") break;
      const next = this.#nextNonSpace();
      if (next.kind === "declare" || next.kind === "assign") {
        names.push(variable.text);
        const assigns = next.kind === "assign";
        if (!assigns) this.#variables.push(...names);
        return { names, assigns };
      }
      if (next.kind !== "comma") break;
      if (context !== "range" || names.length > 0) throw this.#error(`too many declarations in ${context}`);
      names.push(variable.text);
    }
    this.#at = start;
    return { names: [], assigns: false };
  }

  #checkPipe(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#error(`missing value for ${context}`);
    for (const [index, { operands: [first] }] of commands.entries()) {
      if (index > 0 && UNCALLABLE.has(first.kind)) {
        throw this.#error(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  #command(): Command {
    const { at } = this.#peekNonSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#next();
      if (token.kind === "space") continue;
      if (token.kind === "close" || token.kind === "rightParen") this.#back(token);
      else if (token.kind !== "pipe") throw this.#unexpected(token, "operand");
      break;
    }
    if (operands.length === 0) throw this.#error("empty command");
    return { kind: "command", at, operands };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined) return undefined;
    const path: string[] = [];
    const { at } = this.#peek();
    while (this.#peek().kind === "field") path.push(this.#next().text.slice(1));
    if (path.length === 0) return term;
    switch (term.kind) {
      case "field":
        return { kind: "field", at, path: [...term.path, ...path] };
      case "variable":
        return { ...term, at, path };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        throw this.#error(`unexpected . after term ${JSON.stringify(term.kind === "dot" ? "." : this.#source(term))}`);
      default:
        return { kind: "chain", at, of: term, path };
    }
  }

  #source = (term: Operand): string => "text" in term ? term.text : "value" in term ? String(term.value) : "nil";

  #term(): Operand | undefined {
    const token = this.#nextNonSpace();
    const { kind, text, at } = token;
    switch (kind) {
      case "identifier":
        if (!this.#hasFunction(text)) throw this.#error(`function ${JSON.stringify(text)} not defined`);
        return { kind: "function", at, name: text };
      case "dot":
      case "nil":
        return { kind, at };
      case "variable":
        this.#known(text);
        return { kind, at, name: text, path: [] };
      case "field":
        return { kind, at, path: [text.slice(1)] };
      case "bool":
        return { kind, at, value: text === "true" };
      case "char":
      case "number":
        return { kind: "number", at, value: this.#literal(() => parseNumber(text), numberProblem(token)), text };
      case "string":
        return { kind, at, value: this.#literal(() => unquote(text)), text };
      case "leftParen":
        return this.#pipe("parenthesized pipeline", "rightParen");
    }
    this.#back(token);
    return undefined;
  }

  #literal<T>(read: () => T | undefined, problem = "invalid syntax"): T {
    const value = read();
    if (value === undefined) throw this.#error(problem);
    return value;
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) throw this.#error(`undefined variable ${JSON.stringify(name)}`);
  }

  #expect(kind: TokenKind, context: string): void {
    const token = this.#nextNonSpace();
    if (token.kind !== kind) throw this.#unexpected(token, context);
  }

  #peek = (): Token => this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.kind === "space") token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#back(token);
    return token;
  }

  #back(token: Token): void {
    do this.#at--; while (this.#peek() !== token);
  }

  #unexpected({ kind, text }: Token, context: string): TemplateError {
    if (kind === "error") return this.#error(text);
    return this.#error(`unexpected ${kind === "eof" ? "EOF" : shown(kind, text)} in ${context}`);
  }

  #error(message: string): TemplateError {
    const { at } = this.#tokens[Math.max(0, Math.min(this.#at, this.#tokens.length) - 1)];
    const line = 1 + this.#text.slice(0, at).split("\n").length - 1;
    return new TemplateError(`template: ${this.#name}:${line}: ${message}`);
  }
}

const STARTS_OPERAND: ReadonlySet<TokenKind> = new Set(
  ["bool", "char", "dot", "field", "identifier", "number", "nil", "string", "variable", "leftParen"] as const,
);
/** Operands that can't receive the value of the previous command in a pipeline. */
const UNCALLABLE: ReadonlySet<string> = new Set(["bool", "dot", "nil", "number", "string"]);

const numberProblem = ({ kind, text }: Token): string =>
  kind === "char" ? `malformed character constant: ${text}` : `bad number syntax: ${JSON.stringify(text)}`;

function shown(kind: TokenKind, text: string): string {
  if (kind === "keyword" || kind === "dot" || kind === "nil") return `<${text}>`;
  const chars = [...text];
  return chars.length > 10 ? `${JSON.stringify(chars.slice(0, 10).join(""))}...` : JSON.stringify(text);
}
