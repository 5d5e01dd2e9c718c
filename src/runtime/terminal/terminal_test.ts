import { strict as assert } from "node:assert";
import { watchDescriptors } from "../../sys/descriptor_watch_testing.ts";
import { FakeSys } from "../../sys/fake_testing.ts";
import { EPOLL, Epoll, files, isErrno, O, type OwnedFd, processes, SIG, terminals } from "../../sys/mod.ts";
import { openPty } from "../../sys/sys_testing.ts";
import { StdinPipe } from "../stdin_pipe.ts";
import { resizeTerminal, terminalInput } from "./terminal.ts";

Deno.test("resizeTerminal sets the size of the master and rejects invalid sizes", () => {
  using master = openPty().master;
  resizeTerminal(master.fd, 0, 65535);
  assert.deepEqual(terminals.windowSize(master.fd), { rows: 0, columns: 65535 });
  const fake = new FakeSys();
  for (const [rows, columns] of [[-1, 5], [5, 65536], [1.5, 5], [NaN, 5], [5, Infinity]]) {
    assert.throws(() => resizeTerminal(3, rows, columns, fake.calls), { code: "invalid_argument" });
  }
  assert.deepEqual(fake.names, []);
});

interface Setup {
  readonly pid: number;
  readonly master: OwnedFd;
  readonly epoll: Epoll;
  readonly input: StdinPipe;
  /** Returns everything that was read from the master so far. */
  output(): string;
  /** Resolves when the output contains a text. */
  waitFor(text: string): Promise<void>;
}

/** Runs a shell script on a pty whose master is read continuously. */
async function onTerminal(script: string, body: (setup: Setup) => Promise<void>): Promise<void> {
  const { master, path } = openPty();
  using _master = master;
  const pid = processes.spawn({
    path: "/bin/sh",
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    stdio: [0, 1, 2].map((target) => ({ target, path, flags: O.RDWR })),
  });
  const noneAdded = watchDescriptors();
  try {
    await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
    void epoll.run();
    const reading = readFrom(master, epoll);
    const input = new StdinPipe(files, epoll);
    input.open(terminalInput(master.fd));
    await body({ pid, master, epoll, input, ...reading });
    input.abandon();
    reading.stop();
    assert.equal(epoll.size, 0);
  } finally {
    processes.kill(pid, SIG.KILL);
    processes.waitpid(pid, 0);
  }
  await noneAdded();
}

function readFrom(master: OwnedFd, epoll: Epoll) {
  const buffer = new Uint8Array(4096);
  const decoder = new TextDecoder();
  let output = "";
  let stopped = false;
  let awaited: { readonly text: string; readonly resolve: () => void } | undefined;
  const stop = () => {
    if (!stopped) epoll.remove(master.fd);
    stopped = true;
  };
  epoll.add(master.fd, EPOLL.IN, () => {
    try {
      const count = files.read(master.fd, buffer);
      if (count !== "again") output += decoder.decode(buffer.subarray(0, count), { stream: true });
      if (awaited !== undefined && output.includes(awaited.text)) awaited.resolve();
    } catch (thrown) {
      if (!isErrno(thrown, "EIO")) throw thrown;
      stop();
    }
  });
  const waitFor = (text: string) =>
    new Promise<void>((resolve) => {
      awaited = { text, resolve };
      if (output.includes(text)) resolve();
    });
  return { output: () => output, waitFor, stop };
}

Deno.test("input of a terminal waits while the program is slow, and arrives complete and in order", async () => {
  const blocks = Array.from({ length: 8 }, (_, i) => new TextEncoder().encode(`${i}abcdef`.repeat(8192)));
  const sizeBytes = blocks.reduce((sum, block) => sum + block.length, 0);
  // Raw mode, as the terminal would truncate lines of more than 4 KiB. Stopped, so that nothing is read at first.
  const script = `stty raw -echo; echo ready; kill -STOP $$; head -c ${sizeBytes} | sha256sum; read end`;
  await onTerminal(script, async ({ pid, input, waitFor }) => {
    await waitFor("ready");
    let written = 0;
    const all = blocks.map((block) => input.write(block).then(() => written++));
    await delay(50);
    assert.ok(written < blocks.length, "half a megabyte is more than a terminal holds");
    processes.kill(pid, SIG.CONT);
    await Promise.all(all);
    const hash = await crypto.subtle.digest("SHA-256", await new Blob(blocks).arrayBuffer());
    await waitFor(new Uint8Array(hash).toHex());
  });
});

Deno.test("input of a terminal whose programs have exited is dropped without waiting", async () => {
  await onTerminal("stty raw -echo; echo ready; sleep 0.2", async ({ input, waitFor }) => {
    await waitFor("ready");
    // More than the terminal's buffer: the writer waits until the hang-up wakes it.
    await input.write(new Uint8Array(1 << 20).fill(120));
    await input.write(new TextEncoder().encode("more"));
    await input.close();
  });
});

Deno.test("closing a terminal's input neither hangs up the terminal nor ends its output", async () => {
  await onTerminal("echo ready; read x; echo got $x", async ({ master, input, waitFor }) => {
    await waitFor("ready");
    await input.close();
    files.write(master.fd, new TextEncoder().encode("direct\n"));
    await waitFor("got direct");
  });
});

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
