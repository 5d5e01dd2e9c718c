/**
 * @module
 * Reads a container's log (`docker logs`): the last lines, a span of time, and what is written meanwhile, across all
 * files of a rotating log. Files are read in blocks; neither a file nor the response is ever in memory as a whole. A
 * reader reports which file it needs, so that no unread file is removed, unless its client takes no records for a
 * while: containers don't wait for a client that sleeps.
 *
 * A line that is too long for one record is still one line: `tail` counts it once, and the time of its first record
 * applies to all of it.
 */
import type { LogFiles, OpenLogFile } from "../../runtime/logs/log_files.ts";
import type { LogLease } from "../../runtime/logs/log_readers.ts";
import { findBackwards, RecordReader } from "../../runtime/logs/record_reader.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";
import { type FilterStart, isRequestedLine, LineFilter, type LogSelection } from "./line_filter.ts";

/** Notifies of new records; absent if the container has stopped. */
export interface LogFollower {
  /** Resolves when more was written, or the log has ended. */
  changed(): Promise<void>;
  /** Returns whether nothing more will be written. */
  ended(): boolean;
}

/** The source of records. */
export interface LogSource {
  readonly files: LogFiles;
  /** Reports which files this reader needs; the caller disposes of it. */
  readonly lease: Pick<LogLease, "need" | "release">;
  /** Called once for each file with invalid lines, and for each gap left by files that were removed unread. */
  readonly onTrouble: (what: string, sequence: number) => void;
}

/** A position in the log. */
interface Position {
  readonly sequence: number;
  /** Offset in bytes; only in a file that isn't compressed. */
  readonly offset: number;
}

/** Where reading starts. */
type Start = Position & FilterStart;

/** How long a client may take no records before it no longer holds up the container, in ms. */
const TIMEOUT_MS = 1000;

/**
 * Yields the selected records in batches, each of which is valid until the next one is requested.
 * @throws {TsdError} storage
 */
export async function* readLog(
  source: LogSource,
  selection: LogSelection,
  follower?: LogFollower,
): AsyncGenerator<readonly LogRecord[]> {
  const { files, lease } = source;
  const [oldest = files.newest] = await files.list();
  // Not the oldest itself yet: a needed file may be removed once it is open.
  lease.need(oldest - 1);
  const end = await endOf(files);
  const start = await startOf(files, selection, end) ??
    { sequence: oldest, offset: 0, skippedLines: 0, startsInside: false };
  const filter = new LineFilter(selection, start);
  let { sequence } = start;
  const read = { source, filter, end: follower === undefined ? end : undefined, follower };
  for (let { offset } = start;; offset = 0) {
    const more = yield* readFile(read, sequence, offset);
    if (!more) return;
    sequence = await fileAfter(source, sequence);
  }
}

interface Reading {
  readonly source: LogSource;
  readonly filter: LineFilter;
  /** Where to stop; undefined when following. */
  readonly end: Position | undefined;
  readonly follower: LogFollower | undefined;
}

/** Reads one file, as long as it may grow. Returns whether to continue with the next one. */
async function* readFile(
  { source, filter, end, follower }: Reading,
  sequence: number,
  offset: number,
): AsyncGenerator<readonly LogRecord[], boolean> {
  const { files, lease, onTrouble } = source;
  if (end !== undefined && sequence > end.sequence) return false;
  await using file = await files.open(sequence);
  if (file !== undefined && offset > 0) await file.seek(offset);
  lease.need(sequence);
  let damaged = false;
  const onDamaged = () => {
    if (!damaged) onTrouble("a log has lines that are no records", sequence);
    damaged = true;
  };
  const reader = file && new RecordReader(file, onDamaged, end?.sequence === sequence ? end.offset : Infinity);
  for (;;) {
    // All three are evaluated before reading, so that what is written after the last read is read in one more round.
    const hasEnded = follower === undefined || follower.ended();
    const isComplete = files.newest > sequence;
    const changed = hasEnded ? undefined : follower.changed();
    const records = await reader?.next();
    if (records === undefined) {
      if (isComplete) return end === undefined || sequence < end.sequence;
      if (hasEnded) return false;
      await changed;
      // The file doesn't exist before anything is written.
      if (reader === undefined) return true;
      await reader.followCut();
      continue;
    }
    const { requested, isPast } = filter.take(records);
    if (requested.length > 0) {
      const timer = setTimeout(() => lease.release(), TIMEOUT_MS);
      try {
        yield requested;
      } finally {
        clearTimeout(timer);
      }
      lease.need(sequence);
    }
    if (isPast) return false;
  }
}

/** Returns the number of the next file that exists or will exist. */
async function fileAfter({ files, onTrouble }: LogSource, sequence: number): Promise<number> {
  const present = await files.list();
  const next = present.find((each) => each > sequence) ?? files.newest;
  if (next > sequence + 1) onTrouble("files of a log were removed before a slow reader came to them", next);
  return next;
}

/** Returns the current end of the log. */
async function endOf(files: LogFiles): Promise<Position> {
  for (;;) {
    const sequence = files.newest;
    await using file = await files.open(sequence);
    const offset = await file?.size() ?? 0;
    if (files.newest === sequence) return { sequence, offset };
  }
}

/** Returns where to start, if not with the oldest record. */
async function startOf(files: LogFiles, selection: LogSelection, end: Position): Promise<Start | undefined> {
  if (selection.tail === 0) return { ...end, skippedLines: 0, startsInside: true };
  if (selection.tail === undefined && selection.since === undefined) return undefined;
  const newestFirst = (await files.list()).filter((sequence) => sequence <= end.sequence).reverse();
  return selection.tail === undefined
    ? await startOfSpan(files, selection, newestFirst)
    : await startOfTail(files, { ...selection, tail: selection.tail }, newestFirst, end);
}

/** Finds the newest file that starts before the span. */
async function startOfSpan(
  files: LogFiles,
  { since = "" }: LogSelection,
  newestFirst: readonly number[],
): Promise<Start | undefined> {
  for (const sequence of newestFirst) {
    const time = await firstTime(files, sequence);
    if (time !== undefined && time < since) return { sequence, offset: 0, skippedLines: 0, startsInside: true };
  }
  return undefined;
}

async function startOfTail(
  files: LogFiles,
  selection: LogSelection & { readonly tail: number },
  newestFirst: readonly number[],
  end: Position,
): Promise<Start | undefined> {
  const { since = "", until, tail } = selection;
  let left = tail;
  for (const sequence of newestFirst) {
    if (until !== undefined && (await firstTime(files, sequence) ?? "") > until) continue;
    await using file = await files.open(sequence);
    if (file === undefined) continue;
    if (file.isCompressed) {
      const count = await countLines(file, selection);
      if (count >= left) return { sequence, offset: 0, skippedLines: count - left, startsInside: true };
      left -= count;
      continue;
    }
    const endBytes = sequence === end.sequence ? end.offset : await file.size();
    const isEnough = (record: LogRecord) => record.time < since || (isRequestedLine(record, selection) && --left === 0);
    const offset = await findBackwards(file, endBytes, isEnough);
    if (offset !== undefined) return { sequence, offset, skippedLines: 0, startsInside: true };
  }
  return undefined;
}

async function countLines(file: OpenLogFile, selection: LogSelection): Promise<number> {
  const reader = new RecordReader(file, () => {});
  let count = 0;
  for (let records = await reader.next(); records !== undefined; records = await reader.next()) {
    for (const record of records) if (isRequestedLine(record, selection)) count++;
  }
  return count;
}

/** Returns the time of a file's first record. */
async function firstTime(files: LogFiles, sequence: number): Promise<string | undefined> {
  await using file = await files.open(sequence);
  return file && (await new RecordReader(file, () => {}).next())?.[0]?.time;
}
