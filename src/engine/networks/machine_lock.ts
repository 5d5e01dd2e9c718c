/**
 * @module
 * The lock that the engines of this machine share: whoever holds it may choose address ranges, make bridges, and change
 * whether the machine forwards packets.
 */
import { TsdError } from "../../errors.ts";
import { tryLock } from "../../sys/mod.ts";

const LOCK = "/run/.tsd-networks.lock";
const LIMIT_MS = 10_000;
const POLL_MS = 5;

let count = 0;

export interface MachineLockOptions {
  readonly path?: string;
  /** How long one holder is waited for, in ms. */
  readonly limitMs?: number;
  /** In ms from any time on. */
  readonly now?: () => number;
}

/** Gives the lock back when it is disposed of. @throws {TsdError} timeout: one holder has kept it for too long */
export async function machineLock(
  { path = LOCK, limitMs = LIMIT_MS, now = () => performance.now() }: MachineLockOptions = {},
): Promise<Disposable> {
  let holder: string | undefined;
  let deadline = 0;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== "held") {
      // Others see by this that the holder is another one each time, and wait for longer.
      Deno.writeTextFileSync(path, `${Deno.pid} ${++count}\n`);
      return lock;
    }
    const seen = Deno.readTextFileSync(path);
    if (seen !== holder) [holder, deadline] = [seen, now() + limitMs];
    if (now() > deadline) {
      const who = /^\d+/.exec(seen)?.[0] ?? "another one";
      throw new TsdError("timeout", `Cannot change the machine's networks: process ${who} keeps ${path} locked`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
