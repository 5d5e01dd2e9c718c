import { TsdError } from "../errors.ts";

const MAX_LINE_CHARS = 16 << 20;

/** JSON values of a stream, one a line (LF or CRLF). @throws {TsdError} engine_unavailable on anything else */
export async function* jsonLines<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const { value } of textLines<T>(body)) yield value;
}

/** The same, each with the text that it was. */
export async function* textLines<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: string; value: T }> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split("\n");
    pending = lines.pop()!;
    if (pending.length > MAX_LINE_CHARS) throw new TsdError("engine_unavailable", "The engine sent an endless line");
    for (const line of lines) {
      if (line.trim() !== "") yield parseLine<T>(line.trim());
    }
  }
  pending += decoder.decode();
  if (pending.trim() !== "") yield parseLine<T>(pending.trim());
}

function parseLine<T>(line: string): { text: string; value: T } {
  try {
    return { text: line, value: JSON.parse(line) as T };
  } catch (cause) {
    throw new TsdError("engine_unavailable", `The engine sent a line that is not JSON: ${line.slice(0, 80)}`, {
      cause,
    });
  }
}
