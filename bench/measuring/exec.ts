/** One run of a program: how long it takes from the outside. */
import type { Command } from "../peers/peer.ts";

const TIMEOUT_MS = 300_000;
/** For what a failed program has written; something that outlives it may hold its stderr open. */
const LAST_WORDS_MS = 1000;

/** A measured program failed; the message has what it said. */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
}

/** Runs a program and returns its wall time in ms by the monotonic clock, from before its start to its exit. @throws RunFailed */
export async function perform({ program, args, env }: Command): Promise<number> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const command = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: limit,
  });
  const startedMs = performance.now();
  const child = command.spawn();
  const errors = new LastWords(child.stderr);
  const { code } = await child.status;
  const elapsedMs = performance.now() - startedMs;
  const said = await errors.stop(code === 0 ? 0 : LAST_WORDS_MS);
  if (code === 0) return elapsedMs;
  const why = limit.aborted ? `not done after ${TIMEOUT_MS / 1000} s` : `exit code ${code}`;
  throw new RunFailed(`${program} ${args.join(" ")}: ${why}\n${said}`.trim());
}

/** Reads a stream so that its writer never waits, until it is told to stop. */
class LastWords {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #read: Promise<void>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#read = this.#readAll();
  }

  /** What came until the end of the stream, or until `graceMs` are over. */
  async stop(graceMs: number): Promise<string> {
    const timer = setTimeout(() => void this.#reader.cancel(), graceMs);
    await this.#read;
    clearTimeout(timer);
    return this.#text;
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.#text = (this.#text + decoder.decode(part.value, { stream: true })).slice(-4000);
    }
  }
}
