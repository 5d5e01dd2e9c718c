import type { ProgressMessage } from "../../api_types/mod.ts";
import { printable, type Terminal } from "../../cli/mod.ts";

/** Shows a progress message of a pull. */
export type ProgressView = (message: ProgressMessage) => Promise<void>;

/** The default size of a terminal whose size is unknown. */
const DEFAULT_SIZE = { rows: 24, columns: 80 };

/**
 * Returns the progress view for a stream. On a terminal each layer has a line that is redrawn, elsewhere each step prints a
 * line.
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
  const board = new PullBoard({ write, size: () => terminal.size() ?? DEFAULT_SIZE, now: () => performance.now() });
  return (message) => board.show(message);
}

/** Formats a step as a line. Returns undefined for progress within a step, which would only fill logs. */
export function progressLine({ id, status, progressDetail, stream }: ProgressMessage): string | undefined {
  if ((progressDetail?.current ?? 0) > 0 || (progressDetail?.total ?? 0) > 0) return undefined;
  if (stream !== undefined) return stream;
  return status === undefined ? undefined : `${id === undefined || id === "" ? "" : `${id}: `}${status}\n`;
}
