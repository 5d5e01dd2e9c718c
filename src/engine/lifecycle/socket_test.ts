import { strict as assert } from "node:assert";
import "../../sys/preopen.ts";
import { isTsdError } from "../../errors.ts";
import { bindSocket, checkSocketPath, isAnswered, listenAt } from "./socket.ts";

async function inDir(use: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(`${dir}/s`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const exists = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);
const listen = (path: string) => Deno.listen({ transport: "unix", path });

Deno.test("a dead socket is replaced, a missing one is fine", () =>
  inDir(async (path) => {
    await checkSocketPath(path);
    const dead = listen(`${path}-before`);
    // A listener that is closed removes its file, which a killed engine doesn't: so it has another name by then.
    await Deno.rename(`${path}-before`, path);
    dead.close();
    assert.equal(await exists(path), true);
    assert.equal(await isAnswered(path), false);
    await checkSocketPath(path);
    // It stays until another one takes its place: clients are never told that there is none.
    assert.equal(await exists(path), true);
    using socket = listenAt(path);
    assert.ok(!socket.closed && await isAnswered(path));
    assert.deepEqual([...Deno.readDirSync(path.replace(/\/s$/, ""))].map(({ name }) => name), ["s"]);
  }));

Deno.test("a socket that answers and a file that is none stay, and are refused", () =>
  inDir(async (path) => {
    {
      using _other = listen(path);
      assert.equal(await isAnswered(path), true);
      await assert.rejects(
        checkSocketPath(path),
        (thrown) => isTsdError(thrown, "conflict") && thrown.message.endsWith("another program answers there"),
      );
      assert.equal(await exists(path), true);
    }
    if (await exists(path)) await Deno.remove(path);
    await Deno.writeTextFile(path, "precious");
    await assert.rejects(checkSocketPath(path), (thrown) => isTsdError(thrown, "conflict"));
    assert.equal(await Deno.readTextFile(path), "precious");
  }));

Deno.test("an engine removes its own socket, and no other's", () =>
  inDir(async (path) => {
    const first = listen(path);
    const owned = await bindSocket(path);
    assert.equal((await Deno.lstat(path)).mode! & 0o007, 0);
    await Deno.rename(path, `${path}-first`);
    using _second = listen(path);
    await owned[Symbol.asyncDispose]();
    assert.equal(await exists(path), true);
    const mine = await bindSocket(path);
    await mine[Symbol.asyncDispose]();
    assert.equal(await exists(path), false);
    first.close();
  }));
