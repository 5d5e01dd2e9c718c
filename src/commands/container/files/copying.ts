/** Shared by both directions of `tsd cp`: the request, the progress display and Docker's rules for names. */
import { requestsDir, splitEnd } from "../../../archive/mod.ts";
import { humanSize, StatusError, type Terminal } from "../../../cli/mod.ts";
import type { Client } from "../../../client/client.ts";

/** What a copy operates with. */
export interface CopyCall {
  readonly terminal: Terminal;
  readonly engine: Client;
}

/** A requested copy. */
export interface CopyRequest {
  readonly container: string;
  readonly source: string;
  readonly target: string;
  readonly followLink: boolean;
  readonly archive: boolean;
  readonly quiet: boolean;
}

/** The source of a copy. */
export interface CopySource {
  readonly path: string;
  readonly isDir: boolean;
  /** The source's name, if its path has another because a link was followed. */
  readonly otherName?: string | undefined;
}

/** The target of a copy and what exists there. */
export interface CopyTarget {
  readonly path: string;
  readonly found: "folder" | "other" | undefined;
}

/** The directory in which an archive is unpacked, and the name that its content gets there. */
export interface Destination {
  readonly dir: string;
  readonly name: string;
}

/**
 * Returns the destination of a copy: inside an existing directory, otherwise under the last name of the target's path.
 * @throws {StatusError}
 */
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

/** Counts the copied bytes and shows their number on a terminal. */
export class CopyMeter {
  readonly #terminal: Terminal;
  readonly #title: string;
  readonly #isShown: boolean;
  #bytes = 0;
  #nextMs = 0;

  /** @param title the text before the number: `Copying to container - ` */
  constructor(terminal: Terminal, title: string, { quiet }: { readonly quiet: boolean }) {
    this.#terminal = terminal;
    this.#title = title;
    this.#isShown = !quiet && terminal.isTty("stderr");
  }

  /** Passes chunks through and counts their bytes. */
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

  /** Clears the progress line. Call it also after a failed copy. */
  async clear(): Promise<void> {
    if (this.#isShown) await this.#terminal.err(CLEAR_LINE);
  }

  /** Prints Docker's final line. */
  done(target: string): Promise<void> {
    return this.#terminal.err(`Successfully copied ${humanSize(this.#bytes, 3)} to ${target}\n`);
  }
}
