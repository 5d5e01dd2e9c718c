/** What the lexer makes of a template's text. */
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

/** One piece of a template. */
export interface Token {
  readonly kind: TokenKind;
  /** As it was written; of an error its message. */
  readonly text: string;
  /** Where it begins, in characters of the template. */
  readonly at: number;
}

/** Words of an action that aren't functions. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"],
]);
