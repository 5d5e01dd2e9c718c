import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { cString, files, O, OwnedFd, processStartTime } from "../../sys/mod.ts";
import { passOn, takeOver } from "./reexec.ts";

const NOTES = { outputs: [], exits: { c1: { exitCode: 3 } }, execs: [], hasOtherClients: true } as const;
const openNull = () => new OwnedFd(files.open(cString("/dev/null"), O.RDWR));
const targetOf = ({ fd }: OwnedFd) => Deno.readLinkSync(`/proc/self/fd/${fd}`);
const isClosedOnExec = ({ fd }: OwnedFd) =>
  /^flags:\s+0*2[0-7]{6}$/m.test(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`));

async function inDir(use: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a process takes over from itself, once", () =>
  inDir((dir) => {
    using lock = openNull();
    using listener = openNull();
    using input = openNull();
    passOn(dir, { lock, listener, execFds: { e1: { stdin: input.fd } }, notes: NOTES });
    const taken = takeOver(dir)!;
    using inheritedLock = taken.lock;
    using inheritedListener = taken.listener;
    using inheritedInput = taken.execStreams.e1!.stdin!;
    for (const fd of [inheritedLock, inheritedListener, inheritedInput]) {
      assert.equal(targetOf(fd), "/dev/null");
      assert.ok(isClosedOnExec(fd), "no child may get it");
      assert.ok(fd.fd >= 64);
    }
    assert.deepEqual(taken.notes, NOTES);
    assert.equal(takeOver(dir), undefined);
  }));

Deno.test("what another process has handed on means nothing", () =>
  inDir(async (dir) => {
    assert.equal(takeOver(dir), undefined);
    const startTicks = String(processStartTime(Deno.pid));
    const write = (file: unknown) => Deno.writeTextFile(`${dir}/handover`, JSON.stringify(file));
    for (const [pid, ticks] of [[Deno.pid + 1, startTicks], [Deno.pid, "1"]] as const) {
      await write({ pid, startTicks: ticks, lock: 0, listener: 1, execFds: {}, notes: NOTES });
      assert.equal(takeOver(dir), undefined);
    }
    await Deno.writeTextFile(`${dir}/handover`, '{"pid": 1');
    assert.equal(takeOver(dir), undefined);
  }));
