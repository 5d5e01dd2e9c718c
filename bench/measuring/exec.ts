/** Runs a program and measures its wall time. */
import type { Command } from "../peers/peer.ts";

const TIMEOUT_MS = 300_000;
/** Limits the wait for the end of a failed program's stderr, which a child that outlives the program may hold open. */
const STDERR_GRACE_MS = 1000;

/** Thrown if a measured program fails; the message has the end of its stderr. */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
}

/**
 * Runs a program and returns its wall time in ms by the monotonic clock, from before its start to its exit.
 * @throws RunFailed
 */
export async function exec({ program, args, env }: Command): Promise<number> {
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
  const tail = new StderrTail(child.stderr);
  const { code } = await child.status;
  const elapsedMs = performance.now() - startedMs;
  const stderr = await tail.stop(code === 0 ? 0 : STDERR_GRACE_MS);
  if (code === 0) return elapsedMs;
  const why = limit.aborted ? `not done after ${TIMEOUT_MS / 1000} s` : `exit code ${code}`;
  throw new RunFailed(`${program} ${args.join(" ")}: ${why}\n${stderr}`.trim());
}

/** Reads a program's stderr, so that the program never blocks on it, and keeps its end. */
class StderrTail {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #read: Promise<void>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#read = this.#readAll();
  }

  /** Waits up to `graceMs` for the end of the stream; returns the last 4000 characters. */
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
