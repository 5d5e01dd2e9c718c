/**
 * @module
 * The slots in which shell clients wait for the engine to run their commands. A shell can open FIFOs and create files
 * without starting a program, but can't use sockets. So there is a directory next to the engine's socket with
 *
 * - `call`, a FIFO that clients write lines to (see {@link ClientLine});
 * - `seat.3`, a file that exists while slot 3 is claimed, created by its client: the process id;
 * - `answer.3`, the FIFO that this client reads. Only the engine writes to it, so it ends with the engine.
 *
 * A line is at most PIPE_BUF bytes long, so that it is written atomically (pipe(7)). The other side is
 * `scripts/portable_head.sh`.
 */
import { AT, cString, EPOLL, type Epoll, files, O, OwnedFd, terminals, tree } from "../sys/mod.ts";

/** Number of slots. Further clients run their commands themselves. */
export const SLOTS = 16;
/** Returns the directory of a socket's slots. */
export const callsDir = (socketPath: string): string => `${socketPath}.calls`;

const READ_BYTES = 4096;
/** In characters; the most that is written atomically. */
const LINE_LIMIT = 4096;
/**
 * All lines but `full`. Process ids are below 2^22, and no command line has more arguments than that (proc(5),
 * execve(2)).
 */
const LINE = /^(\d{1,2}) ([1-9]\d{0,6}) (?:(\d{1,7}) (\w+)|(left|[A-Z][A-Z0-9]*))$/;
const ENCODER = new TextEncoder();

/** A line that a client writes to `call`. */
export type ClientLine =
  /** `full`: there was no free slot. */
  | { readonly kind: "full" }
  /** `3 PID NUMBER BUILD`: run a command with that number of arguments. */
  | { readonly kind: "call"; readonly slot: Slot; readonly pid: number; readonly count: number; readonly build: string }
  /** `3 PID INT`: the client received a signal that it was told to catch. */
  | { readonly kind: "signal"; readonly slot: Slot; readonly pid: number; readonly signal: Deno.Signal }
  /** `3 PID left`: the client has read "no", and runs the command itself. */
  | { readonly kind: "left"; readonly slot: Slot; readonly pid: number };

/** A slot for one client at a time. */
export class Slot implements Disposable {
  readonly claimPath: string;
  readonly #answers: OwnedFd;
  readonly #inode: { readonly dev: number; readonly ino: number | null };

  /** @param incomplete the directory's temporary path while it is created */
  constructor(incomplete: string, dir: string, number: number) {
    this.claimPath = `${dir}/seat.${number}`;
    const path = `${incomplete}/answer.${number}`;
    this.#answers = makeFifo(path);
    this.#inode = Deno.lstatSync(path);
  }

  /** The process that claimed it; undefined if it is free, 0 if the process id isn't written yet. */
  get takenBy(): number | undefined {
    try {
      return Number(Deno.readTextFileSync(this.claimPath));
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw thrown;
    }
  }

  /** When it was claimed, in Unix time in ms; undefined if it is free. */
  get claimedMs(): number | undefined {
    try {
      return Deno.statSync(this.claimPath).mtime?.getTime();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw thrown;
    }
  }

  /** Whether a path leads to this slot's answers FIFO. */
  isAt(path: string): boolean {
    try {
      const { dev, ino } = Deno.statSync(path);
      return dev === this.#inode.dev && ino === this.#inode.ino;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }

  /** Whether the client has read all answers. */
  get hasReadAll(): boolean {
    return !this.#answers.closed && terminals.unreadBytes(this.#answers.fd) === 0;
  }

  /** Writes a line. Has no effect if the client has exited. */
  answer(line: string): void {
    if (!this.#answers.closed) files.write(this.#answers.fd, ENCODER.encode(`${line}\n`));
  }

  /**
   * Frees the slot after its client has exited. Unread answers are drained, so that the next client doesn't read them.
   */
  free(): void {
    if (this.#answers.closed) return;
    const rest = new Uint8Array(READ_BYTES);
    for (let size = files.read(this.#answers.fd, rest); size !== "again" && size > 0;) {
      size = files.read(this.#answers.fd, rest);
    }
    removeIfExists(this.claimPath);
  }

  [Symbol.dispose](): void {
    this.#answers.close();
  }
}

/** Called with each line from clients. */
export type LineHandler = (line: ClientLine) => void;

/** All slots of an engine. When they are disposed, waiting clients read the end of their FIFOs. */
export class Slots implements Disposable {
  readonly all: readonly Slot[];
  readonly #dir: string;
  readonly #epoll: Pick<Epoll, "add" | "remove">;
  readonly #calls: OwnedFd;
  readonly #onLine: LineHandler;
  readonly #decoder = new TextDecoder();
  #rest = "";

  /**
   * Creates the directory, replacing an existing one.
   * @throws Error of the file system
   */
  constructor(dir: string, epoll: Pick<Epoll, "add" | "remove">, onLine: LineHandler) {
    this.#dir = dir;
    this.#epoll = epoll;
    this.#onLine = onLine;
    // The directory appears with all of its content at once: a shell that opens a missing FIFO for writing would create
    // a file.
    const incomplete = `${dir}.new`;
    removeIfExists(incomplete);
    Deno.mkdirSync(incomplete, { mode: 0o700 });
    this.all = Array.from({ length: SLOTS }, (_, number) => new Slot(incomplete, dir, number));
    this.#calls = makeFifo(`${incomplete}/call`);
    removeWhole(dir);
    Deno.renameSync(incomplete, dir);
    epoll.add(this.#calls.fd, EPOLL.IN, () => this.#read());
  }

  #read(): void {
    const chunk = new Uint8Array(READ_BYTES);
    const size = files.read(this.#calls.fd, chunk);
    if (size === "again") return;
    const lines = (this.#rest + this.#decoder.decode(chunk.subarray(0, size), { stream: true })).split("\n");
    const rest = lines.pop()!;
    // No client writes a line of that length.
    this.#rest = rest.length > LINE_LIMIT ? "" : rest;
    for (const line of lines) {
      const parsed = this.#parse(line);
      if (parsed !== undefined) this.#onLine(parsed);
    }
  }

  #parse(line: string): ClientLine | undefined {
    if (line === "full") return { kind: "full" };
    const [, number, process, count, build, word] = LINE.exec(line) ?? [];
    const [slot, pid] = [this.all[Number(number)], Number(process)];
    if (slot === undefined) return undefined;
    if (build !== undefined) return { kind: "call", slot, pid, count: Number(count), build };
    return word === "left"
      ? { kind: "left", slot, pid }
      : { kind: "signal", slot, pid, signal: `SIG${word}` as Deno.Signal };
  }

  [Symbol.dispose](): void {
    if (this.#calls.closed) return;
    this.#epoll.remove(this.#calls.fd);
    this.#calls.close();
    for (const slot of this.all) slot[Symbol.dispose]();
    removeWhole(this.#dir);
  }
}

/**
 * Creates a FIFO and opens it for reading and writing, so that it never ends for the engine and opening doesn't block.
 */
function makeFifo(path: string): OwnedFd {
  tree.mkfifoat(AT.FDCWD, cString(path), 0o600);
  return new OwnedFd(files.open(cString(path), O.RDWR | O.NONBLOCK));
}

/** Removes a directory atomically, as clients may arrive at any time. */
function removeWhole(dir: string): void {
  const old = `${dir}.old`;
  removeIfExists(old);
  try {
    Deno.renameSync(dir, old);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return;
    throw thrown;
  }
  removeIfExists(old);
}

function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
