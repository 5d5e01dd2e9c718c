import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { SILENT_LOG } from "../log.ts";
import { Epoll, files, O, OwnedFd, pipes, processes } from "../sys/mod.ts";
import { watchDescriptors } from "../sys/descriptor_watch_testing.ts";
import { connectUnix, openPty, sendFds } from "../sys/sys_testing.ts";
import { workerUrl } from "../worker_entry.ts";
import { Reaper } from "./reaper.ts";
import { StdioRouter } from "./logs/stdio_router.ts";
import { TerminalIo, type TerminalIoOptions } from "./terminal_io.ts";

interface Setup {
  readonly dir: string;
  newIo(options?: Partial<TerminalIoOptions>): TerminalIo;
  /** Acts as a runtime: starts a shell on a new pty and sends its master to the console socket. Returns the pid. */
  runtime(socketPath: string, script: string): number;
  /** Waits for the exit of the process and the end of its output. Resolves to the exit code. */
  end(io: TerminalIo, pid: number): Promise<number>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function withSetup(body: (setup: Setup) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const reaper = stack.use(new Reaper(processes).start());
  const epoll = stack.use(new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) }));
  void epoll.run();
  const router = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await router.ready;
  let ioCount = 0;
  const noneAdded = watchDescriptors();
  await body({
    dir,
    newIo: (options = {}) => {
      const key = `${dir}/${++ioCount}`;
      return new TerminalIo({ key, dir, consoleSocket: `${key}.tty`, ...options }, router, { files, epoll });
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
      void reaper.spawned(pid).then(({ exitCode }) => codes.set(pid, exitCode));
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

/** Returns a listener that collects its output. */
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
    waitFor: (text: string) =>
      new Promise<void>((resolve) => {
        requested.set(text, resolve);
        if (it.text.includes(text)) resolve();
      }),
  };
  return it;
}

Deno.test("a terminal: size from the start, input, output to log and listeners, exit code, end of output", async () => {
  await withSetup(async ({ dir, newIo, runtime, end }) => {
    const log = {
      path: `${dir}/log`,
      maxSizeBytes: Infinity,
      maxFiles: 1,
      compress: false,
      waitForReaders: true,
      attrs: {},
    };
    const io = newIo({ log, size: { rows: 10, columns: 20 } });
    const collected = collect();
    await io.attach(collected.listener);
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
    assert.match(collected.text, /^10 20\r$/m);
    assert.match(collected.text, /^got early\r$/m);
    assert.deepEqual(io.heldFds(), {});
    const records = (await Deno.readTextFile(`${dir}/log`)).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(records.map(({ log }) => log).join(""), collected.text);
    assert.ok(records.every(({ stream }) => stream === "stdout"));
  });
});

Deno.test("resize notifies the programs; a listener that attaches later gets only later output", async () => {
  await withSetup(async ({ newIo, runtime, end }) => {
    const io = newIo();
    const [early, late] = [collect(), collect()];
    await io.attach(early.listener);
    const { consoleSocket } = await io.open();
    const script = 'trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.01; done';
    const pid = runtime(consoleSocket!, script);
    await io.started();
    await early.waitFor("ready");
    await io.attach(late.listener);
    io.resize({ rows: 33, columns: 99 });
    assert.equal(await end(io, pid), 3);
    assert.equal(late.text, "33 99\r\n");
    assert.equal(early.text, "ready\r\n33 99\r\n");
    io.resize({ rows: 1, columns: 1 });
  });
});

Deno.test("a failed start leaves no descriptor or socket, whether or not a terminal was sent", async () => {
  await withSetup(async ({ newIo }) => {
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

Deno.test("a descriptor that is no terminal is rejected and closed", async () => {
  await withSetup(async ({ newIo }) => {
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

Deno.test("a terminal retained from another engine continues; without it the output has ended", async () => {
  await withSetup(async ({ newIo, runtime, end }) => {
    const first = newIo();
    const collected = collect();
    const { consoleSocket } = await first.open();
    const pid = runtime(consoleSocket!, "read x; echo got $x; stty size");
    await first.started();
    const retained = new OwnedFd(pipes.duplicate(first.heldFds().terminal!));
    await first.finish(0);
    const second = newIo();
    await second.attach(collected.listener);
    await second.reopen({ terminal: retained });
    second.resize({ rows: 5, columns: 6 });
    await second.stdin.write(bytes("again\n"));
    assert.equal(await end(second, pid), 0);
    assert.equal(collected.text, "again\r\ngot again\r\n5 6\r\n");
    const third = newIo();
    await third.reopen({});
    await third.stdin.write(bytes("dropped"));
    await third.finish(0);
  });
});
