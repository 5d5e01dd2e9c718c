import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { type CallerLine, callFolder, SEATS, Seats } from "./slots.ts";
import { HandEpoll } from "./command_server_testing.ts";

const BUILD = "0123456789abcdef0123456789abcdef";

/** Seats in a new folder, and what was understood of what callers wrote. */
async function withSeats(
  use: (rig: { folder: string; seats: Seats; lines: CallerLine[]; tell: (text: string) => void }) => void,
): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const folder = callFolder(`${parent}/tsd.sock`);
  const epoll = new HandEpoll();
  const lines: CallerLine[] = [];
  try {
    using seats = new Seats(folder, epoll, (line) => lines.push(line));
    const tell = (text: string) => {
      Deno.writeTextFileSync(`${folder}/call`, text, { create: false });
      epoll.ready();
    };
    use({ folder, seats, lines, tell });
    seats[Symbol.dispose]();
    assert.equal(epoll.size, 0);
    // The folder goes with it, and so does what it was made from.
    assert.deepEqual([...Deno.readDirSync(parent)], []);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("seats: a folder for root alone, with FIFOs and no file", () =>
  withSeats(({ folder }) => {
    assert.equal(Deno.statSync(folder).mode! & 0o7777, 0o700);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["call", ...Array.from({ length: SEATS }, (_, n) => `answer.${n}`)].sort());
    for (const name of names) {
      const { isFifo, mode } = Deno.lstatSync(`${folder}/${name}`);
      assert.deepEqual([isFifo, mode! & 0o7777], [true, 0o600], name);
    }
  }));

Deno.test("seats: lines of callers are understood, also several at once and one in pieces", () =>
  withSeats(({ seats, lines, tell }) => {
    const [first, , , fourth] = seats.all;
    tell(`full\n0 17 2 ${BUILD}\n3 18 INT\n0 17 le`);
    assert.deepEqual(lines.splice(0), [
      { kind: "full" },
      { kind: "call", seat: first, pid: 17, count: 2, build: BUILD },
      { kind: "signal", seat: fourth, pid: 18, signal: "SIGINT" },
    ]);
    tell("f");
    assert.deepEqual(lines, []);
    tell("t\n3 18 USR1\n");
    assert.deepEqual(lines, [
      { kind: "left", seat: first, pid: 17 },
      { kind: "signal", seat: fourth, pid: 18, signal: "SIGUSR1" },
    ]);
  }));

Deno.test("seats: what is no line of a caller's is passed over", () =>
  withSeats(({ lines, tell }) => {
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
      ...[`${SEATS} 1 left`, "999999999999 1 left", "1e0 1 left", "0x1 1 left", "0 99999999 left", "0 1.5 left"],
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

Deno.test("seats: a line without an end isn't kept for ever", () =>
  withSeats(({ lines, tell }) => {
    for (let n = 0; n < 40; n++) tell("x".repeat(500));
    // What is over the limit is forgotten, and what follows in the same line means nothing.
    tell("\nfull\n");
    assert.deepEqual(lines, [{ kind: "full" }]);
  }));

Deno.test("seats: a claim says who took it and when; what is no number is nobody", () =>
  withSeats(({ seats }) => {
    const seat = seats.all[2]!;
    const takenBy = () => seat.takenBy;
    assert.equal(takenBy(), undefined);
    Deno.writeTextFileSync(seat.claimPath, "4711\n");
    assert.equal(takenBy(), 4711);
    assert.ok(Math.abs(seat.takenMs! - Date.now()) < 60_000);
    Deno.writeTextFileSync(seat.claimPath, "");
    assert.equal(takenBy(), 0);
    seat.free();
    assert.equal(takenBy(), undefined);
    seat.free();
  }));

Deno.test("seats: what one caller has not read is gone before the next one sits there", () =>
  withSeats(({ folder, seats }) => {
    const seat = seats.all[5]!;
    Deno.writeTextFileSync(seat.claimPath, "4711\n");
    for (let n = 0; n < 3000; n++) seat.answer(`exit ${n}`);
    seat.free();
    seat.answer("once 1");
    using next = Deno.openSync(`${folder}/answer.5`);
    const bytes = new Uint8Array(100);
    assert.equal(new TextDecoder().decode(bytes.subarray(0, next.readSync(bytes)!)), "once 1\n");
  }));

Deno.test("seats: a path is a seat's only if it leads to its own answers", () =>
  withSeats(({ folder, seats }) => {
    const seat = seats.all[1]!;
    assert.equal(seat.isAt(`${folder}/answer.1`), true);
    assert.equal(seat.isAt(`${folder}/answer.2`), false);
    assert.equal(seat.isAt(`${folder}/nothing`), false);
  }));

Deno.test("seats: whatever lies in the folder's place makes room, what was begun before as well", async () => {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const folder = `${parent}/calls`;
  try {
    await Deno.mkdir(`${folder}.new/deep`, { recursive: true });
    await Deno.mkdir(`${folder}.old`);
    await Deno.writeTextFile(`${folder}.old/seat.1`, "1\n");
    await Deno.writeTextFile(folder, "a file");
    const lines: CallerLine[] = [];
    using first = new Seats(folder, new HandEpoll(), (line) => lines.push(line));
    // An engine that was killed leaves a folder with claims.
    await Deno.writeTextFile(first.all[0]!.claimPath, "1\n");
    using answers = await Deno.open(`${folder}/answer.0`);
    using second = new Seats(folder, new HandEpoll(), (line) => lines.push(line));
    assert.equal(second.all[0]!.takenBy, undefined);
    assert.equal(second.all[0]!.isAt(`/proc/self/fd/${fdOf(folder)}`), false);
    // Whoever waits for the first one's answers reads their end.
    first[Symbol.dispose]();
    assert.equal(await answers.read(new Uint8Array(1)), null);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

/** Our descriptor that leads to the first seat's answers in a folder that has been moved away. */
function fdOf(folder: string): string {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(`${folder}.old/answer.0`)) return name;
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  throw new Error("nobody waits there");
}

Deno.test("seats: a folder of symbolic links and other things is removed, and nothing that they lead to", async () => {
  const parent = await Deno.makeTempDir({ prefix: "tsd-seats-" });
  const folder = `${parent}/calls`;
  try {
    await Deno.mkdir(`${parent}/elsewhere`);
    await Deno.writeTextFile(`${parent}/elsewhere/precious`, "");
    await Deno.symlink(`${parent}/elsewhere`, folder);
    using seats = new Seats(folder, new HandEpoll(), () => {});
    assert.equal(Deno.lstatSync(folder).isDirectory, true);
    assert.deepEqual([...Deno.readDirSync(`${parent}/elsewhere`)].map(({ name }) => name), ["precious"]);
    seats[Symbol.dispose]();
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
