import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { watchDescriptors } from "../../sys/descriptor_watch_testing.ts";
import { FakeSys } from "../../sys/fake_testing.ts";
import { cString as c, EPOLL, Epoll, files, isErrno, O, OwnedFd, pipes, processes } from "../../sys/mod.ts";
import { connectUnix, openPty, sendFds } from "../../sys/sys_testing.ts";
import { ConsoleSocket } from "./console_socket.ts";
import { resizeTerminal } from "./terminal.ts";

interface Setup {
  readonly path: string;
  readonly dir: string;
  readonly epoll: Epoll;
}

const flagsOf = (fd: number) =>
  parseInt(/flags:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1] ?? "", 8);

/** Runs `body` and checks that it leaves neither open descriptors nor the socket's file. */
async function withSetup(body: (setup: Setup) => Promise<void>): Promise<void> {
  const noneAdded = watchDescriptors();
  const dir = await Deno.makeTempDir({ prefix: "tsd-console-" });
  try {
    await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
    void epoll.run();
    await body({ path: `${dir}/tty`, dir, epoll });
    assert.equal(epoll.size, 0);
    assert.ok(
      ![...Deno.readDirSync(dir)].some(({ isSymlink, name }) => isSymlink || name === "tty"),
      "no socket stays",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  await noneAdded();
}

Deno.test("receive returns a master sent before or after the call, non-blocking and close-on-exec", async () => {
  for (const sentFirst of [true, false]) {
    await withSetup(async ({ path, epoll }) => {
      using socket = new ConsoleSocket(path, epoll);
      assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
      using sent = openPty().master;
      pipes.setNonBlocking(sent.fd, false);
      const send = () => {
        using client = connectUnix(socket.path);
        sendFds(client.fd, [sent.fd], "/dev/ptmx");
      };
      if (sentFirst) send();
      const waiting = socket.receive({ deadlineMs: 5000 });
      if (!sentFirst) send();
      using master = await waiting;
      assert.equal(Deno.readLinkSync(master.procPath), "/dev/ptmx");
      assert.equal(flagsOf(master.fd) & (O.CLOEXEC | O.NONBLOCK), O.CLOEXEC | O.NONBLOCK);
      assert.equal(epoll.size, 0, "nothing is waited for any more");
      assert.throws(() => socket.receive());
    });
  }
});

Deno.test("receive waits for a client that has connected and sends later", async () => {
  await withSetup(async ({ path, epoll }) => {
    using socket = new ConsoleSocket(path, epoll);
    const waiting = socket.receive({ deadlineMs: 5000 });
    using client = connectUnix(path);
    while (epoll.size < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    using sent = openPty().master;
    sendFds(client.fd, [sent.fd]);
    using _master = await waiting;
  });
});

Deno.test("receive is ended by the signal, the deadline or disposal", async () => {
  await withSetup(async ({ path, epoll }) => {
    const reason = new Error("runc failed");
    {
      using socket = new ConsoleSocket(path, epoll);
      const abort = new AbortController();
      const waiting = socket.receive({ signal: abort.signal });
      abort.abort(reason);
      await assert.rejects(waiting, reason);
    }
    {
      using socket = new ConsoleSocket(path, epoll);
      await assert.rejects(socket.receive({ signal: AbortSignal.abort(reason) }), reason);
    }
    {
      using socket = new ConsoleSocket(path, epoll);
      await assert.rejects(socket.receive({ deadlineMs: 20 }), {
        code: "timeout",
        message: "No terminal came within 0.02 s",
      });
    }
    // An ignored promise causes no unhandled rejection.
    const socket = new ConsoleSocket(path, epoll);
    const waiting = socket.receive();
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    await assert.rejects(waiting, { code: "cancelled" });
    const ignored = new ConsoleSocket(path, epoll);
    void ignored.receive();
    ignored[Symbol.dispose]();
  });
});

Deno.test("receive rejects and closes what isn't a terminal: another file, bytes alone, an early end", async () => {
  const cases: [(client: OwnedFd, file: OwnedFd) => void, RegExp][] = [
    [(client, file) => sendFds(client.fd, [file.fd]), /is no terminal$/],
    [(client) => sendFds(client.fd, []), /sent no terminal$/],
    [(client) => client.close(), /sent no terminal$/],
  ];
  for (const [misbehave, message] of cases) {
    await withSetup(async ({ path, epoll }) => {
      using socket = new ConsoleSocket(path, epoll);
      const waiting = socket.receive({ deadlineMs: 5000 });
      using client = connectUnix(path);
      using file = new OwnedFd(files.open(c("/dev/null"), O.RDWR));
      misbehave(client, file);
      await assert.rejects(waiting, { code: "runtime_failed", message });
    });
  }
});

Deno.test("of two terminals only the first is kept, also if both arrive at once", async () => {
  await withSetup(async ({ path, epoll }) => {
    using socket = new ConsoleSocket(path, epoll);
    using sent = openPty().master;
    using first = connectUnix(path);
    using second = connectUnix(path);
    for (const client of [first, second]) sendFds(client.fd, [sent.fd, sent.fd]);
    using _master = await socket.receive({ deadlineMs: 5000 });
  });
});

Deno.test("a socket left by a killed engine is replaced; a path that is too long is rejected", async () => {
  await withSetup(async ({ path, dir, epoll }) => {
    await Deno.writeTextFile(path, "");
    {
      using _socket = new ConsoleSocket(path, epoll);
      assert.ok(Deno.statSync(path).isSocket);
    }
    const long = `${dir}/`.padEnd(108, "x");
    assert.throws(() => new ConsoleSocket(long, epoll), { code: "invalid_argument" });
  });
});

Deno.test("a socket that can't listen closes its descriptor", () => {
  const fake = new FakeSys().script("listen", { error: "EADDRINUSE" });
  const calls = {
    sockets: fake.calls,
    files: fake.calls,
    metadata: fake.calls,
    pipes: fake.calls,
    terminals: fake.calls,
    tree: fake.calls,
  };
  const epoll = { add: () => assert.fail(), remove: () => assert.fail() };
  assert.throws(() => new ConsoleSocket("/run/x", epoll, calls), (e) => isErrno(e, "EADDRINUSE"));
  assert.equal(fake.openFds.size, 0);
  assert.deepEqual(fake.names.slice(0, 3), ["unixSocket", "fchmod", "bindUnix"]);
});

const NULL_STDIO = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));

/** Writes a bundle for a shell on a terminal, with a static busybox as the root filesystem. */
async function writeBundle(dir: string, args: string[]): Promise<void> {
  await Deno.mkdir(`${dir}/rootfs/bin`, { recursive: true });
  for (const directory of ["proc", "dev", "sys"]) await Deno.mkdir(`${dir}/rootfs/${directory}`);
  await Deno.copyFile("/bin/busybox", `${dir}/rootfs/bin/busybox`);
  const config = {
    ociVersion: "1.0.2",
    process: { terminal: true, user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin"], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] },
    ],
    linux: { namespaces: ["pid", "mount", "ipc", "uts"].map((type) => ({ type })) },
  };
  await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
}

/** Runs runc and blocks until it exits. */
const runc = (dir: string, args: string[]): number | undefined =>
  processes.waitpid(
    processes.spawn({
      path: RUNC,
      argv: ["runc", "--root", `${dir}/state`, ...args],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: NULL_STDIO,
    }),
    0,
  )?.exitCode;

const RUNC = ["/usr/local/sbin/runc", "/usr/local/bin/runc", "/usr/sbin/runc", "/usr/bin/runc"].find(exists) ?? "runc";

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Reads the output of a terminal until its last program has exited. */
async function readAll(master: OwnedFd, epoll: Epoll): Promise<string> {
  const ended = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  epoll.add(master.fd, EPOLL.IN, () => {
    try {
      const count = files.read(master.fd, buffer);
      if (count !== "again") text += decoder.decode(buffer.subarray(0, count), { stream: true });
    } catch (thrown) {
      epoll.remove(master.fd);
      if (isErrno(thrown, "EIO")) ended.resolve();
      else ended.reject(thrown);
    }
  });
  await ended.promise;
  return text;
}

Deno.test({
  name: "with runc: the initial size is set, input and output work, the end is detected",
  ...requires("root", "runc"),
  async fn() {
    await withSetup(async ({ dir, path, epoll }) => {
      await writeBundle(dir, ["/bin/busybox", "sh", "-c", "busybox stty size; read x; echo got $x; exit 3"]);
      const id = `console-test-${Deno.pid}`;
      try {
        using socket = new ConsoleSocket(path, epoll);
        const master = socket.receive({ deadlineMs: 10_000 });
        const created = runc(dir, ["--log", `${dir}/log`, "create", "--bundle", dir, "--console-socket", path, id]);
        assert.equal(created, 0, created === 0 ? "" : await Deno.readTextFile(`${dir}/log`));
        using terminal = await master;
        resizeTerminal(terminal.fd, 40, 132);
        assert.equal(runc(dir, ["start", id]), 0);
        files.write(terminal.fd, new TextEncoder().encode("hello\n"));
        const text = await readAll(terminal, epoll);
        // The terminal echoes the input at once, before or after the first line of output.
        assert.deepEqual(text.split("\r\n").sort(), ["", "40 132", "got hello", "hello"]);
      } finally {
        runc(dir, ["delete", "--force", id]);
      }
    });
  },
});

Deno.test({
  name: "with a runc that fails: a terminal it may have sent is closed, and receive rejects with the caller's reason",
  ...requires("root", "runc"),
  async fn() {
    await withSetup(async ({ dir, path, epoll }) => {
      await writeBundle(dir, ["/no/such/program"]);
      const id = `console-fail-${Deno.pid}`;
      using socket = new ConsoleSocket(path, epoll);
      const abort = new AbortController();
      const master = socket.receive({ signal: abort.signal });
      assert.notEqual(runc(dir, ["create", "--bundle", dir, "--console-socket", path, id]), 0);
      abort.abort(new Error("runc failed"));
      await assert.rejects(master, /runc failed/);
    });
  },
});
