import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { isTsdError } from "../../errors.ts";
import { type OwnedFd, tryLockDirectory } from "../../sys/mod.ts";
import { EngineSocket, isAnswered, listenAt } from "./socket.ts";

async function inDirectory(use: (path: string, names: () => string[]) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(`${directory}/s`, () => [...Deno.readDirSync(directory)].map(({ name }) => name).sort());
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A socket as a killed engine leaves it. */
function leaveSocket(path: string): void {
  listenAt(path).close();
}

const refusal = (pattern: RegExp) => (thrown: unknown) =>
  isTsdError(thrown, "conflict", "storage") && pattern.test(thrown.message);

Deno.test("a claimed socket appears at its path when it is opened, and is removed at the end", () =>
  inDirectory(async (path, names) => {
    {
      await using socket = await EngineSocket.claim(path);
      assert.deepEqual(names(), ["~"]);
      await socket.open();
      assert.deepEqual(names(), ["s"]);
      assert.equal(await isAnswered(path), true);
      assert.equal(Deno.lstatSync(path).mode! & 0o007, 0);
    }
    assert.deepEqual(names(), []);
  }));

Deno.test("one that is never opened leaves nothing; what was at the path stays", () =>
  inDirectory(async (path, names) => {
    leaveSocket(path);
    {
      await using _socket = await EngineSocket.claim(path);
      // Clients that look for an engine are refused, and not told that there is no socket.
      assert.deepEqual([names(), await isAnswered(path)], [["s", "~"], false]);
    }
    assert.deepEqual(names(), ["s"]);
  }));

Deno.test("what killed engines left is replaced, at the path and beside it", () =>
  inDirectory(async (path, names) => {
    leaveSocket(path);
    leaveSocket(path.replace(/s$/, "~"));
    await using socket = await EngineSocket.claim(path);
    await socket.open();
    assert.deepEqual([names(), await isAnswered(path)], [["s"], true]);
  }));

Deno.test("a socket that answers and a file that is none stay, and are refused", () =>
  inDirectory(async (path, names) => {
    {
      using _other = listenAt(path);
      await assert.rejects(EngineSocket.claim(path), refusal(/another program answers there$/));
      assert.deepEqual([names(), await isAnswered(path)], [["s"], true]);
    }
    await Deno.remove(path);
    await Deno.writeTextFile(path, "precious");
    await assert.rejects(EngineSocket.claim(path), refusal(/something else than a socket is there/));
    assert.deepEqual([names(), await Deno.readTextFile(path)], [["s"], "precious"]);
    await Deno.rename(path, path.replace(/s$/, "~"));
    await assert.rejects(EngineSocket.claim(path), refusal(/something else than a socket is there/));
    assert.deepEqual(names(), ["~"]);
  }));

Deno.test("of engines that start at once one gets the path, also while none has opened it", () =>
  inDirectory(async (path, names) => {
    leaveSocket(path);
    const claims = await Promise.allSettled(Array.from({ length: 8 }, () => EngineSocket.claim(path)));
    const [won, ...more] = claims.filter((each) => each.status === "fulfilled").map(({ value }) => value);
    assert.equal(more.length, 0);
    for (const each of claims) {
      if (each.status === "rejected") assert.ok(refusal(/another engine is starting there$/)(each.reason));
    }
    await won!.open();
    await assert.rejects(EngineSocket.claim(path), refusal(/another program answers there$/));
    await won![Symbol.asyncDispose]();
    assert.deepEqual(names(), []);
  }));

Deno.test("what came to the path meanwhile stays; a directory that is missing or locked is one line", () =>
  inDirectory(async (path, names) => {
    {
      await using socket = await EngineSocket.claim(path);
      using _other = listenAt(path);
      await assert.rejects(socket.open(), refusal(/another program answers there$/));
      assert.equal(await isAnswered(path), true);
    }
    assert.deepEqual(names(), ["s"]);
    await assert.rejects(EngineSocket.claim(`${path}-missing/s`), refusal(/there is no directory \S+\/s-missing$/));
    await assert.rejects(EngineSocket.claim(`${path}${"x".repeat(120)}`), refusal(/^Cannot listen on \S+x: [^\n]+$/));
    using _lock = tryLockDirectory(path.replace(/\/s$/, "")) as OwnedFd;
    await assert.rejects(
      EngineSocket.claim(path, 0),
      (thrown) => isTsdError(thrown, "timeout") && /holds a lock on/.test(thrown.message),
    );
  }));

Deno.test("an engine removes its own socket and no other's, also after it has executed itself anew", () =>
  inDirectory(async (path, names) => {
    {
      await using first = await EngineSocket.claim(path);
      await first.open();
      await Deno.rename(path, `${path}-first`);
      leaveSocket(path);
    }
    assert.deepEqual(names(), ["s", "s-first"]);
    await Deno.remove(path);
    {
      await using taken = await EngineSocket.takeOver(path, listenAt(path));
      await taken.open();
      assert.equal(await isAnswered(path), true);
    }
    assert.deepEqual(names(), ["s-first"]);
    {
      // Its file was removed: it gets another one.
      await using taken = await EngineSocket.takeOver(path, listenAt(`${path}-first-again`));
      await taken.open();
      assert.equal(await isAnswered(path), true);
    }
    assert.deepEqual(names(), ["s-first", "s-first-again"]);
  }));
