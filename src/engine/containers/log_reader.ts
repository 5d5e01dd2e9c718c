/**
 * @module
 * Reads a container's json-file log back (`docker logs`): the last lines, a span of time, and what is written meanwhile.
 * Lines are read in pieces from the file; neither the file nor the answer is ever in memory whole.
 */
import { TsdError } from "../../errors.ts";
import type { StreamName } from "../../runtime/logs/json_lines.ts";

/** One record. */
export interface LogRecord {
  readonly stream: StreamName;
  /** The text with its newline, if it had one. */
  readonly log: string;
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
}

/** Which records; times as RFC 3339 with nanoseconds, inclusive. */
export interface LogSelection {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly since?: string;
  readonly until?: string;
  /** The last so many records; all when left out. */
  readonly tail?: number;
}

/** Tells of new records; absent when the container has stopped. */
export interface LogFollower {
  /** Resolves when more was written, or the end has come. */
  changed(): Promise<void>;
  /** Whether nothing more will be written. */
  ended(): boolean;
}

const BLOCK_BYTES = 64 << 10;
const NEWLINE = 10;

/** The selected records of the log at `path`; a log that was never written is empty. */
export async function* readLog(
  path: string,
  selection: LogSelection,
  follower?: LogFollower,
): AsyncGenerator<LogRecord> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return;
    throw thrown;
  }
  using _owned = file;
  if (selection.tail !== undefined) await seekToTail(file, selection);
  for await (const line of linesOf(file, follower)) {
    const record = parseRecord(line, path);
    if (isAfter(record, selection.until)) return;
    if (isWanted(record, selection)) yield record;
  }
}

function isWanted({ stream, time }: LogRecord, { stdout, stderr, since }: LogSelection): boolean {
  if (stream === "stdout" ? !stdout : !stderr) return false;
  return since === undefined || time >= since;
}

/** Times have equal length and zone, so their order is that of their text. */
function isAfter({ time }: LogRecord, until: string | undefined): boolean {
  return until !== undefined && time > until;
}

async function* linesOf(file: Deno.FsFile, follower: LogFollower | undefined): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(BLOCK_BYTES);
  let rest: Uint8Array = new Uint8Array();
  for (;;) {
    // Asked before reading: what is written after the last read is read in one more turn.
    const last = follower === undefined || follower.ended();
    const changed = last ? undefined : follower.changed();
    const count = await file.read(block);
    if (count === null) {
      if (last) return;
      await changed;
      continue;
    }
    const bytes = join(rest, block.subarray(0, count));
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.slice(start);
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function parseRecord(line: Uint8Array, path: string): LogRecord {
  try {
    return JSON.parse(new TextDecoder().decode(line)) as LogRecord;
  } catch (cause) {
    throw new TsdError("storage", `The log ${path} is damaged: a record is no JSON`, { cause });
  }
}

/** Puts the file's position before the last `tail` records that are wanted. */
async function seekToTail(file: Deno.FsFile, selection: LogSelection): Promise<void> {
  let wanted = selection.tail ?? 0;
  let position = (await file.stat()).size;
  let suffix: Uint8Array = new Uint8Array();
  const end = position;
  if (wanted === 0) {
    await file.seek(end, Deno.SeekMode.Start);
    return;
  }
  while (position > 0) {
    const size = Math.min(BLOCK_BYTES, position);
    position -= size;
    const block = new Uint8Array(size);
    await file.seek(position, Deno.SeekMode.Start);
    await readFully(file, block);
    const bytes = join(block, suffix);
    // Complete lines begin behind a newline; the first bytes belong to a line that began earlier.
    let stop = bytes.length;
    for (
      let at = bytes.lastIndexOf(NEWLINE, stop - 2);
      at >= 0;
      at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1)
    ) {
      if (counts(bytes.subarray(at + 1, stop - 1), selection) && --wanted === 0) {
        await file.seek(position + at + 1, Deno.SeekMode.Start);
        return;
      }
      stop = at + 1;
    }
    suffix = bytes.slice(0, stop);
  }
  await file.seek(0, Deno.SeekMode.Start);
}

function counts(line: Uint8Array, selection: LogSelection): boolean {
  return line.length > 0 && isWanted(parseRecord(line, "tail"), selection);
}

async function readFully(file: Deno.FsFile, buffer: Uint8Array): Promise<void> {
  for (let at = 0; at < buffer.length;) {
    const count = await file.read(buffer.subarray(at));
    if (count === null) throw new TsdError("storage", "A log became shorter while it was read");
    at += count;
  }
}
