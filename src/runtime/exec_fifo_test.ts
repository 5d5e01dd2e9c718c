import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { AT, cString, Epoll, files, processes, tree } from "../sys/mod.ts";
import { startByFifo } from "./exec_fifo.ts";
import { ExitLoop } from "./exit_loop.ts";

async function withFifo(body: (path: string, epoll: Epoll) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await using epoll = new Epoll({
      onHandlerError: (thrown) => {
        throw thrown;
      },
    });
    void epoll.run();
    tree.mkfifoat(AT.FDCWD, cString(`${dir}/exec.fifo`), 0o622);
    await body(`${dir}/exec.fifo`, epoll);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

Deno.test("whoever waits at the FIFO goes on, and the FIFO is gone", () =>
  withFifo(async (path, epoll) => {
    using exits = new ExitLoop(processes).start();
    // As runc's init: opening blocks until there is a reader.
    const stdio = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: 2 }));
    const argv = ["sh", "-c", 'printf 0 >"$0" && exit 7', path];
    const pid = processes.spawn({ path: "/bin/sh", argv, env: { PATH: "/bin:/usr/bin" }, stdio });
    const exited = exits.spawned(pid);
    assert.equal(await startByFifo(path, { files, tree, epoll }, 20_000), true);
    assert.equal((await exited).exitCode, 7);
    assert.equal(await exists(path), false);
    assert.equal(epoll.size, 0);
  }));

Deno.test("a FIFO at which nobody waits, or that isn't there, is left to the runtime", () =>
  withFifo(async (path, epoll) => {
    assert.equal(await startByFifo(path, { files, tree, epoll }, 50), false);
    assert.equal(await exists(path), true);
    assert.equal(await startByFifo(`${path}.missing`, { files, tree, epoll }, 50), false);
    assert.equal(epoll.size, 0);
  }));
