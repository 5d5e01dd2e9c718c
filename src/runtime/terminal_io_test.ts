import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { SILENT_LOG } from "../log.ts";
import { Epoll, files, O, OwnedFd, pipes, processes } from "../sys/mod.ts";
import { watchDescriptors } from "../sys/descriptor_watch.ts";
import { connectUnix, openPty, sendFds } from "../sys/sys_testing.ts";
import { workerUrl } from "../worker_entry.ts";
import { Reaper } from "./reaper.ts";
import { StdioRouter } from "./logs/stdio_router.ts";
import { TerminalIo, type TerminalIoOptions } from "./terminal_io.ts";

interface Setup {
  readonly dir: string;
  newIo(options?: Partial<TerminalIoOptions>): TerminalIo;
  /** Does what a runtime does: a shell on a new pty, whose master goes to the console socket. Resolves to its pid. */
  runtime(socketPath: string, script: string): number;
  /** Sees the process and its output end; resolves to the exit code. */
  end(io: TerminalIo, pid: number): Promise<number>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function withRig(body: (setup: Setup) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const exits = stack.use(new Reaper(processes).start());
  const epoll = stack.use(new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) }));
  void epoll.run();
  const hub = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await hub.ready;
  let made = 0;
  const noneAdded = watchDescriptors();
  await body({
    dir,
    newIo: (options = {}) => {
      const key = `${dir}/${++made}`;
      return new TerminalIo({ key, dir, consoleSocket: `${key}.tty`, ...options }, hub, { files, epoll });
    },
    runtime: (socketPath, script) => {
      const { master, path } = openPty();
      using _master = master;
      const pid = processes.spawn({
        path: "/bin/sh",
        argv: ["sh", "-c", script],
        env: { PATH: "/usr/bin:/bin" },
        stdio: [0, 1, 2].map((target) => ({ target, path, flags: O.RDWR })),
      });
      void exits.spawned(pid).then(({ exitCode }) => codes.set(pid, exitCode));
      using client = connectUnix(socketPath);
      sendFds(client.fd, [master.fd], path);
      return pid;
    },
    end: async (io, pid) => {
      while (!codes.has(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
      await io.finish(1000);
      await io.ended;
      return codes.get(pid)!;
    },
  });
  assert.equal(epoll.size, 0);
  await noneAdded();
  assert.deepEqual([...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".tty")), []);
}

const codes = new Map<number, number>();

/** A listener's memory. */
function collect() {
  const decoder = new TextDecoder();
  const requested = new Map<string, () => void>();
  const it = {
    text: "",
    listener: (stream: string, chunk: Uint8Array) => {
      assert.equal(stream, "stdout");
      it.text += decoder.decode(chunk, { stream: true });
      for (const [text, resolve] of requested) if (it.text.includes(text)) resolve();
      return Promise.resolve();
    },
    seen: (text: string) =>
      new Promise<void>((resolve) => {
        requested.set(text, resolve);
        if (it.text.includes(text)) resolve();
      }),
  };
  return it;
}

Deno.test("a terminal: size from the start, input, output to log and listeners, exit code, end of output", async () => {
  await withRig(async ({ dir, newIo, runtime, end }) => {
    const log = {
      path: `${dir}/log`,
      maxSizeBytes: Infinity,
      maxFiles: 1,
      compress: false,
      waitForReaders: true,
      attrs: {},
    };
    const io = newIo({ log, size: { rows: 10, columns: 20 } });
    const seen = collect();
    await io.attach(seen.listener);
    const { consoleSocket, stdio } = await io.open();
    assert.deepEqual(Object.values(stdio), ["/dev/null", "/dev/null", "/dev/null"]);
    assert.deepEqual(io.heldFds(), {});
    void io.stdin.write(bytes("early\n"));
    const pid = runtime(
      consoleSocket!,
      "while [ $(stty size | cut -c1) = 0 ]; do :; done; stty size; read x; echo got $x; exit 7",
    );
    await io.started();
    assert.equal(Object.keys(io.heldFds()).join(), "terminal");
    assert.equal(await end(io, pid), 7);
    assert.match(seen.text, /^10 20\r$/m);
    assert.match(seen.text, /^got early\r$/m);
    assert.deepEqual(io.heldFds(), {});
    const records = (await Deno.readTextFile(`${dir}/log`)).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(records.map(({ log }) => log).join(""), seen.text);
    assert.ok(records.every(({ stream }) => stream === "stdout"));
  });
});

Deno.test("the size follows, and tells the programs; a later listener sees what comes later", async () => {
  await withRig(async ({ newIo, runtime, end }) => {
    const io = newIo();
    const [early, late] = [collect(), collect()];
    await io.attach(early.listener);
    const { consoleSocket } = await io.open();
    const script = 'trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.01; done';
    const pid = runtime(consoleSocket!, script);
    await io.started();
    await early.seen("ready");
    await io.attach(late.listener);
    io.resize({ rows: 33, columns: 99 });
    assert.equal(await end(io, pid), 3);
    assert.equal(late.text, "33 99\r\n");
    assert.equal(early.text, "ready\r\n33 99\r\n");
    io.resize({ rows: 1, columns: 1 });
  });
});

Deno.test("a start that fails leaves nothing, whether or not a terminal was sent", async () => {
  await withRig(async ({ newIo }) => {
    for (const sent of [false, true]) {
      const io = newIo();
      const { consoleSocket } = await io.open();
      if (sent) {
        using master = openPty().master;
        using client = connectUnix(consoleSocket!);
        sendFds(client.fd, [master.fd]);
      }
      void io.stdin.write(bytes("lost"));
      await io.discard();
      await io.ended;
    }
  });
});

Deno.test("what was sent instead of a terminal is refused, and nothing stays", async () => {
  await withRig(async ({ newIo }) => {
    const io = newIo();
    const { consoleSocket } = await io.open();
    {
      using client = connectUnix(consoleSocket!);
      sendFds(client.fd, [client.fd]);
    }
    await assert.rejects(io.started(), { code: "runtime_failed" });
    await io.discard();
  });
});

Deno.test("a terminal that outlived its engine goes on; without it the output has ended", async () => {
  await withRig(async ({ newIo, runtime, end }) => {
    const first = newIo();
    const seen = collect();
    const { consoleSocket } = await first.open();
    const pid = runtime(consoleSocket!, "read x; echo got $x; stty size");
    await first.started();
    const kept = new OwnedFd(pipes.duplicate(first.heldFds().terminal!));
    await first.finish(0);
    const second = newIo();
    await second.attach(seen.listener);
    await second.reopen({ terminal: kept });
    second.resize({ rows: 5, columns: 6 });
    await second.stdin.write(bytes("again\n"));
    assert.equal(await end(second, pid), 0);
    assert.equal(seen.text, "again\r\ngot again\r\n5 6\r\n");
    const third = newIo();
    await third.reopen({});
    await third.stdin.write(bytes("dropped"));
    await third.finish(0);
  });
});
