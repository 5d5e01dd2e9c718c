/** What both directions of `tsd cp` have in common: the call, how much was copied, Docker's rules for names. */
import { requestsDir, splitEnd } from "../../../archive/mod.ts";
import { humanSize, StatusError, type Terminal } from "../../../cli/mod.ts";
import type { EngineTransport } from "../../../client/transport.ts";

/** What a copy is done with. */
export interface CopyCall {
  readonly terminal: Terminal;
  readonly engine: EngineTransport;
}

/** What was asked for. */
export interface CopyRequest {
  readonly container: string;
  readonly source: string;
  readonly target: string;
  readonly followLink: boolean;
  readonly archive: boolean;
  readonly quiet: boolean;
}

/** What is copied. */
export interface CopySource {
  readonly path: string;
  readonly isDir: boolean;
  /** What it is to be called, where its path says otherwise because a link was followed. */
  readonly otherName?: string | undefined;
}

/** What is there already where it is copied to. */
export interface CopyTarget {
  readonly path: string;
  readonly found: "folder" | "other" | undefined;
}

/** Where an archive is unpacked, and what the thing in it is called there. */
export interface Destination {
  readonly dir: string;
  readonly name: string;
}

/** Into a folder that is there; or else under the name that the target's path ends with. @throws {StatusError} */
export function destinationOf(source: CopySource, target: CopyTarget): Destination {
  if (target.found === "folder") return { dir: target.path, name: source.otherName ?? splitEnd(source.path).name };
  if (target.found !== undefined && source.isDir) throw new StatusError("cannot copy directory");
  if (target.found === undefined && !source.isDir && requestsDir(target.path)) {
    throw new StatusError("no such directory");
  }
  return splitEnd(target.path);
}

const REFRESH_MS = 75;
const CLEAR_LINE = "\r\x1b[K";

/** Counts what is copied, and shows it on a terminal while it grows. */
export class CopyMeter {
  readonly #terminal: Terminal;
  readonly #title: string;
  readonly #isShown: boolean;
  #bytes = 0;
  #nextMs = 0;

  /** `title`: `Copying to container - `. */
  constructor(terminal: Terminal, title: string, { quiet }: { readonly quiet: boolean }) {
    this.#terminal = terminal;
    this.#title = title;
    this.#isShown = !quiet && terminal.isTty("stderr");
  }

  async *measured(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#bytes += chunk.length;
      await this.#show();
      yield chunk;
    }
  }

  async #show(): Promise<void> {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + REFRESH_MS;
    await this.#terminal.err(`${CLEAR_LINE}${this.#title}${humanSize(this.#bytes, 3)}`);
  }

  /** Takes the line away, also when the copy came to nothing. */
  async clear(): Promise<void> {
    if (this.#isShown) await this.#terminal.err(CLEAR_LINE);
  }

  /** Docker's last line. */
  done(target: string): Promise<void> {
    return this.#terminal.err(`Successfully copied ${humanSize(this.#bytes, 3)} to ${target}\n`);
  }
}
