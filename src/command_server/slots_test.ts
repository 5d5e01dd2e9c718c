import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { callsDir, type ClientLine, SLOTS, Slots } from "./slots.ts";
import { HandEpoll } from "./command_server_testing.ts";

const BUILD = "0123456789abcdef0123456789abcdef";

/** Sets up slots in a new directory; `lines` are the parsed lines of clients. */
async function withSlots(
  use: (setup: { dir: string; slots: Slots; lines: ClientLine[]; tell: (text: string) => void }) => void,
): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const dir = callsDir(`${parent}/tsd.sock`);
  const epoll = new HandEpoll();
  const lines: ClientLine[] = [];
  try {
    using slots = new Slots(dir, epoll, (line) => lines.push(line));
    const tell = (text: string) => {
      Deno.writeTextFileSync(`${dir}/call`, text, { create: false });
      epoll.ready();
    };
    use({ dir, slots, lines, tell });
    slots[Symbol.dispose]();
    assert.equal(epoll.size, 0);
    // The directory is removed, and so are its temporary names.
    assert.deepEqual([...Deno.readDirSync(parent)], []);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("slots: a directory for root only, with FIFOs and no files", () =>
  withSlots(({ dir }) => {
    assert.equal(Deno.statSync(dir).mode! & 0o7777, 0o700);
    const names = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["call", ...Array.from({ length: SLOTS }, (_, n) => `answer.${n}`)].sort());
    for (const name of names) {
      const { isFifo, mode } = Deno.lstatSync(`${dir}/${name}`);
      assert.deepEqual([isFifo, mode! & 0o7777], [true, 0o600], name);
    }
  }));

Deno.test("slots: clients' lines are parsed, also several at once and one in pieces", () =>
  withSlots(({ slots, lines, tell }) => {
    const [first, , , fourth] = slots.all;
    tell(`full\n0 17 2 ${BUILD}\n3 18 INT\n0 17 le`);
    assert.deepEqual(lines.splice(0), [
      { kind: "full" },
      { kind: "call", slot: first, pid: 17, count: 2, build: BUILD },
      { kind: "signal", slot: fourth, pid: 18, signal: "SIGINT" },
    ]);
    tell("f");
    assert.deepEqual(lines, []);
    tell("t\n3 18 USR1\n");
    assert.deepEqual(lines, [
      { kind: "left", slot: first, pid: 17 },
      { kind: "signal", slot: fourth, pid: 18, signal: "SIGUSR1" },
    ]);
  }));

Deno.test("slots: invalid lines are ignored", () =>
  withSlots(({ lines, tell }) => {
    const odd = [
      ...[
        "",
        " ",
        "\0",
        "Full",
        "full ",
        "0",
        "0 1",
        "0 1 ",
        " 1 left",
        "x 1 left",
        "0 x left",
        "0 0 left",
        "0 -1 left",
      ],
      ...[`${SLOTS} 1 left`, "999999999999 1 left", "1e0 1 left", "0x1 1 left", "0 99999999 left", "0 1.5 left"],
      ...[
        "0 1 int",
        "0 1 left now",
        `0 1 -3 ${BUILD}`,
        `0 1 x ${BUILD}`,
        `0 1 1e9 ${BUILD}`,
        `0 1 99999999999 ${BUILD}`,
      ],
      ...[`0 1 2 ${BUILD} more`, "0 1 2 a/b", "ä\u{1f600}"],
    ];
    for (const line of odd) tell(`${line}\n`);
    assert.deepEqual(lines, []);
    tell("full\n");
    assert.deepEqual(lines, [{ kind: "full" }]);
  }));

Deno.test("slots: an endless line is discarded", () =>
  withSlots(({ lines, tell }) => {
    for (let n = 0; n < 40; n++) tell("x".repeat(500));
    // Characters beyond the limit are discarded, and the rest of the line is invalid.
    tell("\nfull\n");
    assert.deepEqual(lines, [{ kind: "full" }]);
  }));

Deno.test("slots: a claim has its process and time; an empty one has process 0", () =>
  withSlots(({ slots }) => {
    const slot = slots.all[2]!;
    const takenBy = () => slot.takenBy;
    assert.equal(takenBy(), undefined);
    Deno.writeTextFileSync(slot.claimPath, "4711\n");
    assert.equal(takenBy(), 4711);
    assert.ok(Math.abs(slot.claimedMs! - Date.now()) < 60_000);
    Deno.writeTextFileSync(slot.claimPath, "");
    assert.equal(takenBy(), 0);
    slot.free();
    assert.equal(takenBy(), undefined);
    slot.free();
  }));

Deno.test("slots: unread answers are drained before the next client", () =>
  withSlots(({ dir, slots }) => {
    const slot = slots.all[5]!;
    Deno.writeTextFileSync(slot.claimPath, "4711\n");
    for (let n = 0; n < 3000; n++) slot.answer(`exit ${n}`);
    slot.free();
    slot.answer("once 1");
    using next = Deno.openSync(`${dir}/answer.5`);
    const bytes = new Uint8Array(100);
    assert.equal(new TextDecoder().decode(bytes.subarray(0, next.readSync(bytes)!)), "once 1\n");
  }));

Deno.test("slots: a path is a slot's only if it leads to its answers FIFO", () =>
  withSlots(({ dir, slots }) => {
    const slot = slots.all[1]!;
    assert.equal(slot.isAt(`${dir}/answer.1`), true);
    assert.equal(slot.isAt(`${dir}/answer.2`), false);
    assert.equal(slot.isAt(`${dir}/nothing`), false);
  }));

Deno.test("slots: an existing file and incomplete directories are replaced", async () => {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const dir = `${parent}/calls`;
  try {
    await Deno.mkdir(`${dir}.new/deep`, { recursive: true });
    await Deno.mkdir(`${dir}.old`);
    await Deno.writeTextFile(`${dir}.old/seat.1`, "1\n");
    await Deno.writeTextFile(dir, "a file");
    const lines: ClientLine[] = [];
    using first = new Slots(dir, new HandEpoll(), (line) => lines.push(line));
    // An engine that was killed leaves its directory with claims.
    await Deno.writeTextFile(first.all[0]!.claimPath, "1\n");
    using answers = await Deno.open(`${dir}/answer.0`);
    using second = new Slots(dir, new HandEpoll(), (line) => lines.push(line));
    assert.equal(second.all[0]!.takenBy, undefined);
    assert.equal(second.all[0]!.isAt(`/proc/self/fd/${fdOf(dir)}`), false);
    // A client that waits for the first one's answers reads their end.
    first[Symbol.dispose]();
    assert.equal(await answers.read(new Uint8Array(1)), null);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

/** Returns our descriptor of the first slot's answers in the directory that was moved away. */
function fdOf(dir: string): string {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(`${dir}.old/answer.0`)) return name;
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  throw new Error("no such descriptor");
}

Deno.test("slots: a symbolic link in the directory's place is replaced, and its target is kept", async () => {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const dir = `${parent}/calls`;
  try {
    await Deno.mkdir(`${parent}/elsewhere`);
    await Deno.writeTextFile(`${parent}/elsewhere/precious`, "");
    await Deno.symlink(`${parent}/elsewhere`, dir);
    using slots = new Slots(dir, new HandEpoll(), () => {});
    assert.equal(Deno.lstatSync(dir).isDirectory, true);
    assert.deepEqual([...Deno.readDirSync(`${parent}/elsewhere`)].map(({ name }) => name), ["precious"]);
    slots[Symbol.dispose]();
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
