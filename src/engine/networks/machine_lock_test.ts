import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { isTsdError } from "../../errors.ts";
import { machineLock } from "./machine_lock.ts";

async function inDirectory(use: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(`${directory}/lock`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A clock that stands still, and counts how often it was looked at. */
function fakeTime() {
  const time = { ms: 0, looks: 0 };
  const now = () => {
    time.looks++;
    return time.ms;
  };
  /** Resolves when whoever waits for the lock has seen the time. */
  const seen = async () => {
    for (const before = time.looks; time.looks < before + 3;) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { time, now, seen };
}

Deno.test("one holder at a time; all get their turn", () =>
  inDirectory(async (path) => {
    let holders = 0;
    const turns = Array.from({ length: 20 }, async () => {
      using _lock = await machineLock({ path });
      assert.equal(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holders--;
    });
    await Promise.all(turns);
  }));

Deno.test("each holder may take as long as the limit; one that keeps it longer is named", () =>
  inDirectory(async (path) => {
    const { time, now, seen } = fakeTime();
    const first = await machineLock({ path });
    const waiting = machineLock({ path, limitMs: 10, now });
    time.ms = 9;
    await seen();
    first[Symbol.dispose]();
    using _second = await machineLock({ path });
    time.ms = 15;
    await seen();
    time.ms = 24;
    await seen();
    time.ms = 26;
    await assert.rejects(
      waiting,
      (thrown) => isTsdError(thrown, "timeout") && thrown.message.includes(`process ${Deno.pid} keeps ${path} locked`),
    );
  }));
