import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
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
  readonly hub: StdioRouter;
  newIo(options: Partial<ProcessStdioOptions>): ProcessStdio;
  /** Runs a shell script on the streams; resolves to its exit code when all output was delivered, or is in the log only. */
  run(io: ProcessStdio, script: string, untilDelivered?: boolean): Promise<number>;
}

async function withRig(body: (setup: Setup) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const exits = stack.use(new Reaper(processes).start());
  const epoll = stack.use(
    new Epoll({
      onHandlerError: (thrown) => {
        throw thrown;
      },
    }),
  );
  void epoll.run();
  const hub = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await hub.ready;
  let made = 0;
  await body({
    dir,
    hub,
    newIo: (options) => {
      const own = `${dir}/${++made}`;
      Deno.mkdirSync(own);
      return new FifoIo({ key: own, dir: own, stdin: false, output: true, ...options }, hub, { files, tree, epoll });
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
      const { exitCode } = await exits.spawned(pid);
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

Deno.test("output goes to the log and to whoever attached before the start; the exit code arrives", async () => {
  await withRig(async ({ dir, newIo, run }) => {
    const io = newIo({ log: logAt(`${dir}/log`) });
    const seen = collect();
    await io.attach(seen.listener);
    assert.equal(await run(io, "echo out; echo err >&2; printf end; exit 7"), 7);
    assert.deepEqual(seen.text, { stdout: "out\nend", stderr: "err\n" });
    const records = (await Deno.readTextFile(`${dir}/log`)).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(records.filter(({ stream }) => stream === "stdout").map(({ log }) => log), ["out\n", "end"]);
    assert.deepEqual(records.filter(({ stream }) => stream === "stderr").map(({ log }) => log), ["err\n"]);
  });
});

Deno.test("input is delivered whole and its end is seen, also when it was written before the start", async () => {
  await withRig(async ({ newIo, run }) => {
    const io = newIo({ stdin: true });
    const seen = collect();
    await io.attach(seen.listener);
    const line = "0123456789abcdef".repeat(4096) + "\n";
    void io.stdin!.write(new TextEncoder().encode("first\n"));
    const exited = run(io, "sleep 0.1; wc -c; echo over");
    for (let i = 0; i < 20; i++) await io.stdin!.write(new TextEncoder().encode(line));
    await io.stdin!.close();
    assert.equal(await exited, 0);
    assert.equal(seen.text.stdout, `${6 + 20 * line.length}\nover\n`);
  });
});

Deno.test("a process that stops reading doesn't hold up its writer", async () => {
  await withRig(async ({ newIo, run }) => {
    const io = newIo({ stdin: true });
    const exited = run(io, "exec 0<&-; sleep 0.2");
    await io.stdin!.write(new Uint8Array(1 << 20));
    assert.equal(await exited, 0);
    await io.stdin!.close();
  });
});

Deno.test("a slow listener slows the process down and loses nothing", async () => {
  await withRig(async ({ newIo, run }) => {
    const io = newIo({});
    let total = 0;
    let most = 0;
    await io.attach(async (_, bytes) => {
      most = Math.max(most, bytes.length);
      await new Promise((resolve) => setTimeout(resolve, 1));
      total += bytes.length;
    });
    assert.equal(await run(io, "head -c 8000000 /dev/zero"), 0);
    assert.equal(total, 8_000_000);
    assert.ok(most <= 64 << 10);
  });
});

Deno.test("a listener that takes nothing holds up no end, and the log has it all; new streams can be opened", async () => {
  await withRig(async ({ dir, newIo, run }) => {
    const io = newIo({ log: logAt(`${dir}/log`) });
    const stuck = Promise.withResolvers<void>();
    const taken: number[] = [];
    await io.attach(async (_, bytes) => {
      taken.push(bytes.length);
      await stuck.promise;
    });
    // More than the listener is given in advance: the last of it waits in the FIFO when the process is killed.
    assert.equal(await run(io, "yes 0123456789abcdef & sleep 1; kill -9 $!", false), 0);
    assert.equal(taken.length, 1);
    const logged = (await Deno.readTextFile(`${dir}/log`)).split("\n").length - 1;
    const again = newIo({ key: `${dir}/1` });
    const seen = collect();
    await again.attach(seen.listener);
    assert.equal(await run(again, "echo fresh"), 0);
    assert.equal(seen.text.stdout, "fresh\n");
    stuck.resolve();
    await io.ended;
    assert.equal(taken.reduce((sum, each) => sum + each, 0), logged * "0123456789abcdef\n".length);
  });
});

Deno.test("a listener that leaves lets the process go on", async () => {
  await withRig(async ({ dir, newIo, run }) => {
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

Deno.test("output that a grandchild holds open ends after the grace time", async () => {
  await withRig(async ({ newIo, run }) => {
    const io = newIo({});
    const seen = collect();
    await io.attach(seen.listener);
    const before = Date.now();
    assert.equal(await run(io, "sleep 30 & echo $!"), 0);
    assert.ok(Date.now() - before < 20_000);
    assert.match(seen.text.stdout, /^\d+\n$/);
    Deno.kill(Number(seen.text.stdout), "SIGKILL");
  });
});

Deno.test("once the output has ended there is nothing of it to hold", async () => {
  await withRig(async ({ newIo, run }) => {
    const io = newIo({});
    assert.equal(await run(io, "echo text"), 0);
    assert.deepEqual(io.heldFds(), {});
  });
});

Deno.test("an engine that leaves ends no output: the last words of a process that ends meanwhile are the next one's", async () => {
  await withRig(async ({ newIo, hub }) => {
    for (const order of ["suspended, then ended", "ended, then suspended"]) {
      const io = newIo({ key: order });
      const { stdio } = await io.open();
      // As the process has it: before the engine lets go of its own.
      using writer = new OwnedFd(files.open(cString(stdio.stdout), O.WRONLY | O.NONBLOCK));
      await io.started();
      const { stdout } = io.heldFds();
      const isFirst = order.startsWith("suspended");
      if (isFirst) await hub.suspend();
      else void io.finish(1000);
      if (!isFirst) await hub.suspend();
      files.write(writer.fd, new TextEncoder().encode("bye"));
      if (isFirst) void io.finish(0);
      await new Promise((resolve) => setTimeout(resolve, isFirst ? 200 : 1200));
      assert.ok(hub.isOpen(order), order);
      const buffer = new Uint8Array(10);
      assert.equal(files.read(stdout!, buffer), 3, order);
      await io.discard();
    }
  });
});
