import { strict as assert } from "node:assert";
import { isRuncInit, type ProcessImage, processImage, untilExecuted } from "./execve.ts";

const INIT: ProcessImage = { cmdline: "/usr/bin/runc\0init\0", exe: "1:7" };
const TOP: ProcessImage = { cmdline: "top\0-b\0", exe: "9:1" };

/** Images as they are read one after the other; the last one stays. */
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

Deno.test("runc's init is told by its command line", () => {
  for (const init of ["/usr/bin/runc\0init\0", "runc\0init\0", "/opt/runc-1.2\0init\0"]) assert(isRuncInit(init), init);
  for (const other of ["top\0", "runc\0init\0x\0", "truncate\0init\0", "runc\0list\0", ""]) assert(!isRuncInit(other));
});

Deno.test("execve(2) is over when a process has a command line and is no init any more", async () => {
  const halfWay = { ...TOP, cmdline: "" };
  for (const init of [INIT, undefined]) {
    const calls = reading(INIT, INIT, halfWay, TOP);
    await untilExecuted(7, init, { timeoutMs: 60_000, calls });
    assert.equal(calls.reads, 4);
  }
});

Deno.test("the same program with other arguments, and another one with the same, are no init", async () => {
  for (const now of [{ ...INIT, cmdline: "runc\0list\0" }, { ...INIT, exe: "9:1" }]) {
    const calls = reading(INIT, now);
    await untilExecuted(7, INIT, { timeoutMs: 60_000, calls });
    assert.equal(calls.reads, 2);
  }
});

Deno.test("a process that has ended isn't waited for", async () => {
  const calls = reading(undefined);
  await untilExecuted(7, INIT, { timeoutMs: 60_000, calls });
  assert.equal(calls.reads, 1);
});

Deno.test("a program that looks like the init is waited for in vain, for a limited time", async () => {
  const calls = reading(INIT);
  await untilExecuted(7, INIT, { timeoutMs: 20, calls });
  assert(calls.reads > 1);
});

Deno.test("a process's image is its command line and its file; one that has ended has none", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["60"] }).spawn();
  await untilExecuted(child.pid, processImage(Deno.pid));
  const { dev, ino } = Deno.statSync("/bin/sleep");
  assert.deepEqual(processImage(child.pid), { cmdline: "/bin/sleep\x0060\0", exe: `${dev}:${ino}` });
  child.kill("SIGKILL");
  await child.status;
  assert.equal(processImage(child.pid), undefined);
});
