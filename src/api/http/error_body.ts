import type { TsdError } from "../../errors.ts";

/** The body of every error: one line, whatever the caller's own words are made of that it quotes. */
export function errorBody({ message }: TsdError): string {
  return JSON.stringify({ message: message.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim() }) + "\n";
}
