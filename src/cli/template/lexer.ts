/**
 * Splits a template into tokens as Go's text/template/parse does: text outside of `{{ }}`, tokens inside. A dash at a
 * delimiter trims the adjacent spaces. The last token is `eof` or `error`.
 */
import { KEYWORDS, type Token, type TokenKind } from "./token.ts";

const TRIMMED_LEFT = /[ \t\r\n]+$/;
const TRIMMED_RIGHT = /^[ \t\r\n]+/;

/** The patterns of tokens; the first that matches is taken. */
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", /[ \t\r\n]+/y],
  ["declare", /:=/y],
  ["assign", /=/y],
  ["pipe", /\|/y],
  ["comma", /,/y],
  ["leftParen", /\(/y],
  ["rightParen", /\)/y],
  ["string", /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`/y],
  ["char", /'(?:[^'\\\n]|\\[^\n])+'/y],
  ["variable", /\$[\p{L}\p{N}_]*/uy],
  ["field", /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ["number", /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ["dot", /\./y],
  ["identifier", /[\p{L}_][\p{L}\p{N}_]*/uy],
];
/** What can follow a word directly. */
const TERMINATOR = /[\s.,|:)(=]|\}\}|$/uy;
const INCOMPLETE: Readonly<Record<string, string>> = {
  '"': "unterminated quoted string",
  "`": "unterminated raw quoted string",
  "'": "unterminated character constant",
};

export function tokenize(template: string): Token[] {
  return new Lexer(template).run();
}

class Lexer {
  readonly #input: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #depth = 0;

  constructor(input: string) {
    this.#input = input;
  }

  run(): Token[] {
    while (this.#at < this.#input.length) {
      const open = this.#input.indexOf("{{", this.#at);
      if (open < 0) break;
      const trims = /^\{\{-[ \t\r\n]/.test(this.#input.slice(open, open + 4));
      const text = this.#input.slice(this.#at, open);
      this.#text(trims ? text.replace(TRIMMED_LEFT, "") : text);
      this.#at = open;
      if (!this.#action(trims)) return this.#tokens;
    }
    this.#text(this.#input.slice(this.#at));
    this.#at = this.#input.length;
    this.#push("eof", "");
    return this.#tokens;
  }

  #text(text: string): void {
    if (text !== "") this.#tokens.push({ kind: "text", text, at: this.#at });
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, at: this.#at });
  }

  #fail(message: string): false {
    this.#push("error", message);
    return false;
  }

  /** Reads an action from its opening to its closing delimiter. Returns false after an error. */
  #action(trimmed: boolean): boolean {
    const inside = this.#at + (trimmed ? 3 : 2);
    const comment = /^\s*\/\*/.test(this.#input.slice(inside)) && this.#input.slice(inside).trimStart();
    if (comment) return this.#comment(inside + (this.#input.slice(inside).length - comment.length));
    this.#push("open", "{{");
    this.#at = inside;
    this.#depth = 0;
    for (;;) {
      const rest = this.#input.slice(this.#at, this.#at + 5);
      const trims = /^[ \t\r\n]-\}\}/.test(rest);
      if (trims || rest.startsWith("}}")) {
        if (this.#depth > 0) return this.#fail("unclosed left paren");
        if (trims) this.#at += 2;
        this.#push("close", "}}");
        this.#at += 2;
        if (trims) this.#skipSpaces();
        return true;
      }
      if (!this.#inside()) return false;
    }
  }

  #skipSpaces(): void {
    this.#at += TRIMMED_RIGHT.exec(this.#input.slice(this.#at))?.[0].length ?? 0;
  }

  #comment(at: number): boolean {
    const end = this.#input.indexOf("*/", at);
    if (end < 0) return this.#fail("unclosed comment");
    const close = /^([ \t\r\n]-)?\}\}/.exec(this.#input.slice(end + 2));
    if (close === null) return this.#fail("comment ends before closing delimiter");
    this.#at = end + 2 + close[0].length;
    if (close[1] !== undefined) this.#skipSpaces();
    return true;
  }

  /** Reads one token inside an action. Returns false after an error. */
  #inside(): boolean {
    if (this.#at >= this.#input.length) return this.#fail("unclosed action");
    // The last space before a trimming delimiter (` -}}`) belongs to the delimiter, not to this token.
    const space = /^[ \t\r\n]+/.exec(this.#input.slice(this.#at))?.[0];
    if (space !== undefined) return this.#take("space", this.#beforeTrim(space));
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = this.#at;
      const text = pattern.exec(this.#input)?.[0];
      if (text !== undefined) return this.#fits(kind, text);
    }
    const char = String.fromCodePoint(this.#input.codePointAt(this.#at) ?? 0);
    const incomplete = INCOMPLETE[char];
    if (incomplete !== undefined) return this.#fail(incomplete);
    if (char === ":") return this.#fail("expected :=");
    if (/[!-~]/.test(char)) return this.#take("symbol", char);
    return this.#fail(`unrecognized character in action: ${describeChar(char)}`);
  }

  #beforeTrim(space: string): string {
    const dash = this.#input.startsWith("-}}", this.#at + space.length);
    // The delimiter is recognized with one space before it.
    return dash && space.length > 1 ? space.slice(0, -1) : space;
  }

  #fits(kind: TokenKind, text: string): boolean {
    const end = this.#at + text.length;
    if (kind === "number" && /[\p{L}\p{N}_]/u.test(this.#input.charAt(end))) {
      const word = /^[\p{L}\p{N}_]+/u.exec(this.#input.slice(end))?.[0] ?? "";
      return this.#fail(`bad number syntax: ${JSON.stringify(text + word.slice(0, 1))}`);
    }
    TERMINATOR.lastIndex = end;
    if ((kind === "identifier" || kind === "field" || kind === "variable") && !TERMINATOR.test(this.#input)) {
      return this.#fail(`bad character ${describeChar(String.fromCodePoint(this.#input.codePointAt(end) ?? 0))}`);
    }
    if (kind === "leftParen") this.#depth++;
    if (kind === "rightParen" && --this.#depth < 0) return this.#fail("unexpected right paren");
    return this.#take(kind === "identifier" ? wordKind(text) : kind, text);
  }

  #take(kind: TokenKind, text: string): true {
    this.#push(kind, text);
    this.#at += text.length;
    return true;
  }
}

function wordKind(text: string): TokenKind {
  if (KEYWORDS.has(text)) return "keyword";
  if (text === "true" || text === "false") return "bool";
  return text === "nil" ? "nil" : "identifier";
}

/** Formats a character as Go's `%#U`: `U+0040 '@'`. */
function describeChar(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${char}'`;
}
