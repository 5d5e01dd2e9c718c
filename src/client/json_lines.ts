import { TsdError } from "../errors.ts";

const MAX_LINE_CHARS = 16 << 20;

/** JSON values of a stream, one a line (LF or CRLF). @throws {TsdError} engine_unavailable on anything else */
export async function* jsonLines<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const { value } of textLines<T>(body)) yield value;
}

/** A value with the text that it was, and the word before it. */
export interface TextLine<T> {
  readonly text: string;
  readonly value: T;
  readonly prefix: string | undefined;
}

/** The same, each with the text that it was. `hasPrefix`: a word and a blank stand before each. */
export async function* textLines<T>(
  body: AsyncIterable<Uint8Array>,
  hasPrefix = false,
): AsyncGenerator<TextLine<T>> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split("\n");
    pending = lines.pop()!;
    if (pending.length > MAX_LINE_CHARS) throw new TsdError("engine_unavailable", "The engine sent an endless line");
    for (const line of lines) {
      if (line.trim() !== "") yield parseLine<T>(line.trim(), hasPrefix);
    }
  }
  pending += decoder.decode();
  if (pending.trim() !== "") yield parseLine<T>(pending.trim(), hasPrefix);
}

function parseLine<T>(line: string, hasPrefix: boolean): TextLine<T> {
  const at = hasPrefix ? line.indexOf(" ") : -1;
  const [prefix, text] = at < 0 ? [undefined, line] : [line.slice(0, at), line.slice(at + 1)];
  try {
    return { text, prefix, value: JSON.parse(text) as T };
  } catch (cause) {
    throw new TsdError("engine_unavailable", `The engine sent a line that is not JSON: ${line.slice(0, 80)}`, {
      cause,
    });
  }
}
