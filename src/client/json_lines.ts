import { TsdError } from "../errors.ts";

const MAX_LINE_CHARS = 16 << 20;

/** JSON values of a stream, one a line (LF or CRLF). @throws {TsdError} engine_unavailable on anything else */
export async function* jsonLines<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split("\n");
    pending = lines.pop()!;
    if (pending.length > MAX_LINE_CHARS) throw new TsdError("engine_unavailable", "The engine sent an endless line");
    for (const line of lines) {
      if (line.trim() !== "") yield parseLine<T>(line);
    }
  }
  pending += decoder.decode();
  if (pending.trim() !== "") yield parseLine<T>(pending);
}

function parseLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new TsdError("engine_unavailable", `The engine sent a line that is not JSON: ${line.slice(0, 80)}`, {
      cause,
    });
  }
}
