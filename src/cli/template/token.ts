/** The kinds of tokens that the lexer produces. */
export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "space"
  | "field"
  | "variable"
  | "identifier"
  | "dot"
  | "nil"
  | "bool"
  | "number"
  | "char"
  | "string"
  | "keyword"
  | "pipe"
  | "declare"
  | "assign"
  | "comma"
  | "leftParen"
  | "rightParen"
  | "symbol"
  | "error"
  | "eof";

/** One token of a template. */
export interface Token {
  readonly kind: TokenKind;
  /** The token's source text; for `error` the message. */
  readonly text: string;
  /** The token's offset in the template, in UTF-16 code units. */
  readonly at: number;
}

/** Reserved words of actions. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"],
]);
