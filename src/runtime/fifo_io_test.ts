import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { SILENT_LOG } from "../log.ts";
import { cString, Epoll, files, O, OwnedFd, processes, tree } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import { Reaper } from "./reaper.ts";
import { StdioRouter } from "./logs/stdio_router.ts";
import type { LogSpec } from "./logs/protocol.ts";
import { FifoIo } from "./fifo_io.ts";
import type { ProcessStdio, ProcessStdioOptions } from "./stdio.ts";

/** A log without rotation. */
function logAt(path: string): LogSpec {
  return { path, maxSizeBytes: Infinity, maxFiles: 1, compress: false, waitForReaders: true, attrs: {} };
}

interface Setup {
  readonly dir: string;
  readonly router: StdioRouter;
  newIo(options: Partial<ProcessStdioOptions>): ProcessStdio;
  /** Runs a shell script on the streams. Resolves to its exit code once all output was delivered, or only logged. */
  run(io: ProcessStdio, script: string, untilDelivered?: boolean): Promise<number>;
}

async function withSetup(body: (setup: Setup) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const reaper = stack.use(new Reaper(processes).start());
  const epoll = stack.use(
    new Epoll({
      onHandlerError: (thrown) => {
        throw thrown;
      },
    }),
  );
  void epoll.run();
  const router = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await router.ready;
  let ioCount = 0;
  await body({
    dir,
    router,
    newIo: (options) => {
      const ioDir = `${dir}/${++ioCount}`;
      Deno.mkdirSync(ioDir);
      return new FifoIo({ key: ioDir, dir: ioDir, stdin: false, output: true, ...options }, router, {
        files,
        tree,
        epoll,
      });
    },
    run: async (io, script, untilDelivered = true) => {
      const { stdio: paths } = await io.open();
      const pid = processes.spawn({
        path: "/bin/sh",
        argv: ["sh", "-c", script],
        env: { PATH: "/usr/bin:/bin" },
        stdio: [
          { target: 0, path: paths.stdin, flags: O.RDONLY },
          { target: 1, path: paths.stdout, flags: O.RDWR },
          { target: 2, path: paths.stderr, flags: O.RDWR },
        ],
      });
      await io.started();
      const { exitCode } = await reaper.spawned(pid);
      await io.finish(1000);
      if (untilDelivered) await io.ended;
      return exitCode;
    },
  });
}

function collect(): {
  text: Record<"stdout" | "stderr", string>;
  listener: (s: "stdout" | "stderr", b: Uint8Array) => Promise<void>;
} {
  const text = { stdout: "", stderr: "" };
  const decoder = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return {
    text,
    listener: (stream, bytes) => {
      text[stream] += decoder[stream].decode(bytes, { stream: true });
      return Promise.resolve();
    },
  };
}

Deno.test("output goes to the log and to clients that attached before the start; the exit code is reported", async () => {
  await withSetup(async ({ dir, newIo, run }) => {
    const io = newIo({ log: logAt(`${dir}/log`) });
    const collected = collect();
    await io.attach(collected.listener);
    assert.equal(await run(io, "echo out; echo err >&2; printf end; exit 7"), 7);
    assert.deepEqual(collected.text, { stdout: "out\nend", stderr: "err\n" });
    const records = (await Deno.readTextFile(`${dir}/log`)).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(records.filter(({ stream }) => stream === "stdout").map(({ log }) => log), ["out\n", "end"]);
    assert.deepEqual(records.filter(({ stream }) => stream === "stderr").map(({ log }) => log), ["err\n"]);
  });
});

Deno.test("input and its end are delivered completely, also if written before the start", async () => {
  await withSetup(async ({ newIo, run }) => {
    const io = newIo({ stdin: true });
    const collected = collect();
    await io.attach(collected.listener);
    const line = "0123456789abcdef".repeat(4096) + "\n";
    void io.stdin!.write(new TextEncoder().encode("first\n"));
    const exited = run(io, "sleep 0.1; wc -c; echo over");
    for (let i = 0; i < 20; i++) await io.stdin!.write(new TextEncoder().encode(line));
    await io.stdin!.close();
    assert.equal(await exited, 0);
    assert.equal(collected.text.stdout, `${6 + 20 * line.length}\nover\n`);
  });
});

Deno.test("a process that closes its input doesn't block the writer", async () => {
  await withSetup(async ({ newIo, run }) => {
    const io = newIo({ stdin: true });
    const exited = run(io, "exec 0<&-; sleep 0.2");
    await io.stdin!.write(new Uint8Array(1 << 20));
    assert.equal(await exited, 0);
    await io.stdin!.close();
  });
});

Deno.test("a slow listener slows down the process and loses no output", async () => {
  await withSetup(async ({ newIo, run }) => {
    const io = newIo({});
    let total = 0;
    let maxBytes = 0;
    await io.attach(async (_, bytes) => {
      maxBytes = Math.max(maxBytes, bytes.length);
      await new Promise((resolve) => setTimeout(resolve, 1));
      total += bytes.length;
    });
    assert.equal(await run(io, "head -c 8000000 /dev/zero"), 0);
    assert.equal(total, 8_000_000);
    assert.ok(maxBytes <= 64 << 10);
  });
});

Deno.test("a stuck listener delays neither the end nor the log; new streams can be opened", async () => {
  await withSetup(async ({ dir, newIo, run }) => {
    const io = newIo({ log: logAt(`${dir}/log`) });
    const stuck = Promise.withResolvers<void>();
    const received: number[] = [];
    await io.attach(async (_, bytes) => {
      received.push(bytes.length);
      await stuck.promise;
    });
    // More than the listener's credit: the rest is still in the FIFO when the process is killed.
    assert.equal(await run(io, "yes 0123456789abcdef & sleep 1; kill -9 $!", false), 0);
    assert.equal(received.length, 1);
    const logged = (await Deno.readTextFile(`${dir}/log`)).split("\n").length - 1;
    const second = newIo({ key: `${dir}/1` });
    const collected = collect();
    await second.attach(collected.listener);
    assert.equal(await run(second, "echo fresh"), 0);
    assert.equal(collected.text.stdout, "fresh\n");
    stuck.resolve();
    await io.ended;
    assert.equal(received.reduce((sum, each) => sum + each, 0), logged * "0123456789abcdef\n".length);
  });
});

Deno.test("the process continues after a slow listener has detached", async () => {
  await withSetup(async ({ dir, newIo, run }) => {
    const io = newIo({ log: logAt(`${dir}/log`) });
    const attachment = await io.attach(() => {
      attachment.detach();
      return new Promise((resolve) => setTimeout(resolve, 5));
    });
    assert.equal(
      await run(io, "i=0; while [ $i -lt 40000 ]; do echo 'a line that fills the pipe soon enough'; i=$((i+1)); done"),
      0,
    );
    const log = await Deno.readTextFile(`${dir}/log`);
    assert.equal(log.split("\n").length - 1, 40000);
  });
});

Deno.test("output that a grandchild holds open ends after the grace period", async () => {
  await withSetup(async ({ newIo, run }) => {
    const io = newIo({});
    const collected = collect();
    await io.attach(collected.listener);
    const before = Date.now();
    assert.equal(await run(io, "sleep 30 & echo $!"), 0);
    assert.ok(Date.now() - before < 20_000);
    assert.match(collected.text.stdout, /^\d+\n$/);
    Deno.kill(Number(collected.text.stdout), "SIGKILL");
  });
});

Deno.test("a process whose output has ended retains no descriptors", async () => {
  await withSetup(async ({ newIo, run }) => {
    const io = newIo({});
    assert.equal(await run(io, "echo text"), 0);
    assert.deepEqual(io.heldFds(), {});
  });
});

Deno.test("a suspended engine ends no output: the last output of a process that exits meanwhile is left to the next engine", async () => {
  await withSetup(async ({ newIo, router }) => {
    for (const order of ["suspended, then ended", "ended, then suspended"]) {
      const io = newIo({ key: order });
      const { stdio } = await io.open();
      // The process's descriptor, opened before the engine closes its own.
      using writer = new OwnedFd(files.open(cString(stdio.stdout), O.WRONLY | O.NONBLOCK));
      await io.started();
      const { stdout } = io.heldFds();
      const isFirst = order.startsWith("suspended");
      if (isFirst) await router.suspend();
      else void io.finish(1000);
      if (!isFirst) await router.suspend();
      files.write(writer.fd, new TextEncoder().encode("bye"));
      if (isFirst) void io.finish(0);
      await new Promise((resolve) => setTimeout(resolve, isFirst ? 200 : 1200));
      assert.ok(router.isOpen(order), order);
      const buffer = new Uint8Array(10);
      assert.equal(files.read(stdout!, buffer), 3, order);
      await io.discard();
    }
  });
});
