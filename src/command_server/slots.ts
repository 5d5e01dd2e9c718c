/**
 * @module
 * Where callers wait for what the engine does for them. A shell can open FIFOs and make files without starting a program,
 * but it knows no sockets; so there is a folder beside the engine's socket with
 *
 * - `call`, a FIFO that callers write lines to (see {@link ClientLine});
 * - `seat.3`, a file that exists while the seat is taken, made by its caller: its process id;
 * - `answer.3`, the FIFO that this caller reads. Only the engine writes to it: it ends when the engine does.
 *
 * A line is at most PIPE_BUF bytes long, so that it comes whole (pipe(7)). The other side is `scripts/portable_head.sh`.
 */
import { AT, cString, EPOLL, type Epoll, files, O, OwnedFd, terminals, tree } from "../sys/mod.ts";

/** More callers than these do their commands themselves. */
export const SLOTS = 16;
/** Beside a socket: where its engine's callers go. */
export const callsDir = (socketPath: string): string => `${socketPath}.calls`;

const READ_BYTES = 4096;
/** Of characters; as many as come whole. */
const LINE_LIMIT = 4096;
/** All but `full`; process ids are below 2^22, and no command line has more arguments than that (proc(5), execve(2)). */
const LINE = /^(\d{1,2}) ([1-9]\d{0,6}) (?:(\d{1,7}) (\w+)|(left|[A-Z][A-Z0-9]*))$/;
const ENCODER = new TextEncoder();

/** What a caller writes to `call`. */
export type ClientLine =
  /** `full`: there was no seat. */
  | { readonly kind: "full" }
  /** `3 PID NUMBER BUILD`: a command of so many arguments is to be done. */
  | { readonly kind: "call"; readonly slot: Slot; readonly pid: number; readonly count: number; readonly build: string }
  /** `3 PID INT`: it got a signal that it was told to catch. */
  | { readonly kind: "signal"; readonly slot: Slot; readonly pid: number; readonly signal: Deno.Signal }
  /** `3 PID left`: it has read a "no", and does the command itself. */
  | { readonly kind: "left"; readonly slot: Slot; readonly pid: number };

/** A place for one caller at a time. */
export class Slot implements Disposable {
  readonly claimPath: string;
  readonly #answers: OwnedFd;
  readonly #inode: { readonly dev: number; readonly ino: number | null };

  /** `unfinished`: where the folder is made. */
  constructor(incomplete: string, dir: string, number: number) {
    this.claimPath = `${dir}/seat.${number}`;
    const path = `${incomplete}/answer.${number}`;
    this.#answers = makeFifo(path);
    this.#inode = Deno.lstatSync(path);
  }

  /** The process that took it; undefined when nobody has, 0 while that isn't written yet. */
  get takenBy(): number | undefined {
    try {
      return Number(Deno.readTextFileSync(this.claimPath));
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw thrown;
    }
  }

  /** When that was; undefined when nobody has. */
  get claimedMs(): number | undefined {
    try {
      return Deno.statSync(this.claimPath).mtime?.getTime();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw thrown;
    }
  }

  /** Whether a path leads to what this seat's answers come from. */
  isAt(path: string): boolean {
    try {
      const { dev, ino } = Deno.statSync(path);
      return dev === this.#inode.dev && ino === this.#inode.ino;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }

  /** Whether nothing is left of what was answered. */
  get hasReadAll(): boolean {
    return !this.#answers.closed && terminals.unreadBytes(this.#answers.fd) === 0;
  }

  /** One line. A caller that is gone doesn't mind. */
  answer(line: string): void {
    if (!this.#answers.closed) files.write(this.#answers.fd, ENCODER.encode(`${line}\n`));
  }

  /** Whoever sat here has gone; what it has not read must not be read by the next one. */
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

/** Told of each line that callers write. */
export type LineHandler = (line: ClientLine) => void;

/** All seats of an engine; at the end of it the callers that wait read the end of their answers. */
export class Slots implements Disposable {
  readonly all: readonly Slot[];
  readonly #dir: string;
  readonly #epoll: Pick<Epoll, "add" | "remove">;
  readonly #calls: OwnedFd;
  readonly #onLine: LineHandler;
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** Makes the folder anew. @throws what the file system says */
  constructor(dir: string, epoll: Pick<Epoll, "add" | "remove">, onLine: LineHandler) {
    this.#dir = dir;
    this.#epoll = epoll;
    this.#onLine = onLine;
    // It is there with all that is in it, or not at all: a shell that opens a FIFO which isn't there makes a file.
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
    // No caller writes so long a line.
    this.#rest = rest.length > LINE_LIMIT ? "" : rest;
    for (const line of lines) {
      const understood = this.#understand(line);
      if (understood !== undefined) this.#onLine(understood);
    }
  }

  #understand(line: string): ClientLine | undefined {
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

/** Open for both, so that it never ends for us and opening it never waits for anybody. */
function makeFifo(path: string): OwnedFd {
  tree.mkfifoat(AT.FDCWD, cString(path), 0o600);
  return new OwnedFd(files.open(cString(path), O.RDWR | O.NONBLOCK));
}

/** At once, as callers come all the time. */
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
