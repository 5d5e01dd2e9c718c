import { TsdError } from "../errors.ts";
import type { Connection } from "./connection.ts";

const BLOCK_BYTES = 64 * 1024;

/** Pulls lines and bytes out of a connection. What it hands out is never overwritten: blocks are used once. */
export class ByteReader {
  readonly #source: Pick<Connection, "read">;
  #block = new Uint8Array(BLOCK_BYTES);
  #start = 0;
  #end = 0;

  constructor(source: Pick<Connection, "read">) {
    this.#source = source;
  }

  /** The next line as Latin-1, without its line end. @throws {TsdError} engine_unavailable at the end or beyond `maxBytes` */
  async line(maxBytes: number): Promise<string> {
    let searched = 0;
    while (true) {
      const at = this.#block.subarray(this.#start, this.#end).indexOf(10, searched);
      if (at >= 0) return this.#takeLine(at);
      searched = this.#end - this.#start;
      if (searched >= maxBytes) {
        throw new TsdError("engine_unavailable", "The engine's answer is not HTTP: endless line");
      }
      if (!(await this.#fill())) throw connectionLost();
    }
  }

  /** At least one byte and at most `maxBytes`; undefined at the end. */
  async some(maxBytes: number): Promise<Uint8Array | undefined> {
    if (this.#start === this.#end && !(await this.#fill())) return undefined;
    const end = Math.min(this.#end, this.#start + maxBytes);
    const bytes = this.#block.subarray(this.#start, end);
    this.#start = end;
    return bytes;
  }

  #takeLine(length: number): string {
    const bytes = this.#block.subarray(this.#start, this.#start + length);
    this.#start += length + 1;
    return LATIN1.decode(bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes);
  }

  async #fill(): Promise<boolean> {
    if (this.#end === this.#block.length) this.#nextBlock();
    const count = await this.#source.read(this.#block.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }

  #nextBlock(): void {
    const rest = this.#block.subarray(this.#start, this.#end);
    const block = new Uint8Array(Math.max(BLOCK_BYTES, rest.length * 2));
    block.set(rest);
    this.#block = block;
    this.#start = 0;
    this.#end = rest.length;
  }
}

/** The cause of errors that say that a connection ended too early. */
export const CONNECTION_LOST = new Error("The connection was closed");

/** The connection ended where HTTP says that more must come. */
export const connectionLost = (what = "The engine closed the connection in the middle of its answer"): TsdError =>
  new TsdError("engine_unavailable", what, { cause: CONNECTION_LOST });

const LATIN1 = new TextDecoder("latin1");
