import type { TsdError } from "../../errors.ts";

/** Returns the body of an error response. The message is made a single line, whatever it quotes. */
export function errorBody({ message }: TsdError): string {
  return JSON.stringify({ message: message.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim() }) + "\n";
}
