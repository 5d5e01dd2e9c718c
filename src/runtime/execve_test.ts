import { strict as assert } from "node:assert";
import { isRuncInit, type ProcessImage, processImage, untilExecuted } from "./execve.ts";

const INIT: ProcessImage = { cmdline: "/usr/bin/runc\0init\0", exe: "1:7" };
const TOP: ProcessImage = { cmdline: "top\0-b\0", exe: "9:1" };

/** Returns the images one per read; further reads return the last one. */
function reading(...images: readonly (ProcessImage | undefined)[]) {
  const rest = [...images];
  const calls = {
    reads: 0,
    image: () => {
      calls.reads++;
      return rest.length > 1 ? rest.shift() : rest[0];
    },
  };
  return calls;
}

Deno.test("isRuncInit recognizes runc's init by its command line", () => {
  for (const init of ["/usr/bin/runc\0init\0", "runc\0init\0", "/opt/runc-1.2\0init\0"]) assert(isRuncInit(init), init);
  for (const other of ["top\0", "runc\0init\0x\0", "truncate\0init\0", "runc\0list\0", ""]) assert(!isRuncInit(other));
});

Deno.test("untilExecuted resolves when a process has a command line and is no longer runc's init", async () => {
  const halfWay = { ...TOP, cmdline: "" };
  for (const init of [INIT, undefined]) {
    const calls = reading(INIT, INIT, halfWay, TOP);
    await untilExecuted(7, init, { timeoutMs: 60_000, calls });
    assert.equal(calls.reads, 4);
  }
});

Deno.test("untilExecuted resolves if either the arguments or the executable differ from those of the init", async () => {
  for (const now of [{ ...INIT, cmdline: "runc\0list\0" }, { ...INIT, exe: "9:1" }]) {
    const calls = reading(INIT, now);
    await untilExecuted(7, INIT, { timeoutMs: 60_000, calls });
    assert.equal(calls.reads, 2);
  }
});

Deno.test("untilExecuted doesn't wait for a process that has exited", async () => {
  const calls = reading(undefined);
  await untilExecuted(7, INIT, { timeoutMs: 60_000, calls });
  assert.equal(calls.reads, 1);
});

Deno.test("untilExecuted times out if the program looks like the init", async () => {
  const calls = reading(INIT);
  await untilExecuted(7, INIT, { timeoutMs: 20, calls });
  assert(calls.reads > 1);
});

Deno.test("processImage returns the command line and the executable; undefined for an exited process", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["60"] }).spawn();
  await untilExecuted(child.pid, processImage(Deno.pid));
  const { dev, ino } = Deno.statSync("/bin/sleep");
  assert.deepEqual(processImage(child.pid), { cmdline: "/bin/sleep\x0060\0", exe: `${dev}:${ino}` });
  child.kill("SIGKILL");
  await child.status;
  assert.equal(processImage(child.pid), undefined);
});
