import { strict as assert } from "node:assert";
import { loses, untilReceptive } from "./signal_readiness.ts";

const status = (masks: Readonly<Record<string, string>>, nspid = "4711\t1") =>
  `Name:\ttop\nState:\tS (sleeping)\nPid:\t4711\nNSpid:\t${nspid}\n` +
  ["SigBlk", "SigIgn", "SigCgt"].map((name) => `${name}:\t${masks[name] ?? "0000000000000000"}\n`).join("");

const TERM = "0000000000004000";

Deno.test("the first process of a pid namespace loses what it neither catches, blocks nor ignores", () => {
  assert.equal(loses(status({}), 15), true);
  for (const mask of ["SigBlk", "SigIgn", "SigCgt"]) assert.equal(loses(status({ [mask]: TERM }), 15), false, mask);
  assert.equal(loses(status({ SigCgt: TERM }), 1), true);
  assert.equal(loses(status({ SigCgt: "8000000000000000" }), 64), false);
});

Deno.test("any other process loses nothing: its default action is taken", () => {
  for (const nspid of ["4711", "4711\t2", "1"]) assert.equal(loses(status({}, nspid), 15), false, nspid);
  assert.equal(loses("", 15), false);
});

Deno.test("a signal waits for the handler of a young process", async () => {
  const texts = [status({}), status({}), status({ SigCgt: TERM })];
  let reads = 0;
  await untilReceptive({ pid: 7, startedAtMs: performance.now() }, 15, 60_000, () => texts[reads++]);
  assert.equal(reads, 3);
});

Deno.test("nobody waits for a process that has ended or is old, for SIGKILL, or beyond the limit", async () => {
  const reads: number[] = [];
  const read = (text: string | undefined) => (pid: number) => {
    reads.push(pid);
    return text;
  };
  const young = () => ({ pid: 7, startedAtMs: performance.now() });
  await untilReceptive(young(), 15, 60_000, read(undefined));
  assert.equal(reads.length, 1);
  await untilReceptive(young(), 9, 60_000, read(status({})));
  await untilReceptive({ pid: 7, startedAtMs: performance.now() - 60_000 }, 15, 60_000, read(status({})));
  await untilReceptive(young(), 15, 0, read(status({})));
  assert.equal(reads.length, 1);
  // Without a handler at all: until it is old.
  await untilReceptive(young(), 15, undefined, read(status({})));
  assert(reads.length > 2);
});
