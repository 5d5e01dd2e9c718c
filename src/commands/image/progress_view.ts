import type { ProgressMessage } from "../../api_types/mod.ts";
import { printable, type Terminal } from "../../cli/mod.ts";

/** Shows the messages of a pull as they come. */
export type ProgressView = (message: ProgressMessage) => Promise<void>;

/** Where the size of a terminal isn't known. */
const USUAL_SIZE = { rows: 24, columns: 80 };

/**
 * How progress is shown on a stream: on a terminal each layer has a line that is drawn anew, elsewhere each step has one.
 */
export async function progressView(terminal: Terminal, stream: "stdout" | "stderr"): Promise<ProgressView> {
  const write = (text: string) => stream === "stdout" ? terminal.out(text) : terminal.err(text);
  if (!terminal.isTty(stream) || terminal.env("TERM") === "dumb") {
    return async (message) => {
      const line = progressLine(message);
      if (line !== undefined) await write(printable(line));
    };
  }
  const { PullBoard } = await import("./pull_display.ts");
  const board = new PullBoard({ write, size: () => terminal.size() ?? USUAL_SIZE, now: () => performance.now() });
  return (message) => board.show(message);
}

/** A step as a line; undefined for mere progress, which would only fill logs. */
export function progressLine({ id, status, progressDetail, stream }: ProgressMessage): string | undefined {
  if ((progressDetail?.current ?? 0) > 0 || (progressDetail?.total ?? 0) > 0) return undefined;
  if (stream !== undefined) return stream;
  return status === undefined ? undefined : `${id === undefined || id === "" ? "" : `${id}: `}${status}\n`;
}
