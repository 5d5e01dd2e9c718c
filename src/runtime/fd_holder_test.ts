import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { FakeSys } from "../sys/fake_testing.ts";
import { cString as c, EPOLL, Epoll, files, isErrno, O, OwnedFd, pipes, processes } from "../sys/mod.ts";
import { processStat, SIG } from "../sys/mod.ts";
import { openPty } from "../sys/sys_testing.ts";
import {
  type FdHolderRef,
  type HeldFds,
  OWNER_VARIABLE,
  retrieveFds,
  startFdHolder,
  stopFdHolder,
} from "./fd_holder.ts";
import { exitStatusOf } from "./fd_holder_exit.ts";
import { findFdHolders } from "./fd_holder_search.ts";

const NULL_STDIO = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));
const shell = (script: string) => ({ path: "/bin/sh", argv: ["sh", "-c", script], env: {}, stdio: NULL_STDIO });
const bytes = (text: string) => new TextEncoder().encode(text);

/** Kills and reaps a child. */
function end(pid: number): void {
  processes.kill(pid, SIG.KILL);
  processes.waitpid(pid, 0);
}

function closing(held: HeldFds<OwnedFd>): Disposable {
  return { [Symbol.dispose]: () => Object.values(held).forEach((fd) => fd.close()) };
}

/** Waits until a descriptor is readable, for at most 10 s. */
async function ready(fd: number): Promise<void> {
  await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`nothing came from fd ${fd}`)), 10_000);
  epoll.add(fd, EPOLL.IN, () => {
    epoll.remove(fd);
    resolve();
  });
  void epoll.run();
  await promise.finally(() => clearTimeout(timer));
}

/** Reads until the text contains `requested`, or until the end. */
async function readUntil(fd: number, requested?: string): Promise<string> {
  const buffer = new Uint8Array(4096);
  for (let text = "";;) {
    const count = files.read(fd, buffer);
    if (count === "again") await ready(fd);
    else if (count === 0) return text;
    else text += new TextDecoder().decode(buffer.subarray(0, count));
    if (requested !== undefined && text.includes(requested)) return text;
  }
}

const ENGINE = `
  const { files, cString, O, OwnedFd, pipes, processes } = await import(SYS + "/mod.ts");
  const { openPty } = await import(SYS + "/sys_testing.ts");
  const { startFdHolder } = await import(FD_HOLDER);
  const open = (path, flags) => files.open(cString(path), flags);
  const sh = (script, stdio) => processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", script], env: {}, stdio });
  const [dir] = Deno.args;
  const guard = open(dir + "/0", O.RDWR);
  const stdout = open(dir + "/1", O.RDONLY | O.NONBLOCK);
  const writer = sh("read go; echo meanwhile $go; exit 9", [
    { target: 0, path: dir + "/0", flags: O.RDONLY }, { target: 1, path: dir + "/1", flags: O.RDWR },
    { target: 2, path: "/dev/null", flags: O.RDWR } ]);
  const stdin = open(dir + "/0", O.WRONLY | O.NONBLOCK);
  files.close(guard);
  const pty = openPty();
  const onTerminal = sh("while read line; do echo got $line; done; exit 7",
    [0, 1, 2].map((target) => ({ target, path: pty.path, flags: O.RDWR })));
  const held = { stdin, stdout, terminal: pty.master.fd, pidFd: processes.pidfdOpen(writer) };
  console.log(JSON.stringify({ fdHolder: startFdHolder(held, dir), writer, onTerminal }));
  setTimeout(() => {}, 60_000);
`;

interface Started {
  readonly fdHolder: FdHolderRef;
  readonly writer: number;
  readonly onTerminal: number;
}

/** Runs an engine that starts two processes and an fd holder, and kills it. */
async function killedEngine(dir: string): Promise<Started> {
  for (const name of ["0", "1"]) {
    assert.ok(new Deno.Command("mkfifo", { args: [`${dir}/${name}`] }).outputSync().success);
  }
  const program = ENGINE.replaceAll("SYS", JSON.stringify(import.meta.resolve("../sys")))
    .replace("FD_HOLDER", JSON.stringify(import.meta.resolve("./fd_holder.ts")));
  await Deno.writeTextFile(`${dir}/engine.ts`, program);
  const args = ["run", "--no-config", "--no-check", "-A", `${dir}/engine.ts`, dir];
  const engine = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const reader = engine.stdout.getReader();
  const first = await reader.read();
  engine.kill("SIGKILL");
  await engine.status;
  await reader.cancel();
  assert.ok(first.value !== undefined, "the engine failed");
  return JSON.parse(new TextDecoder().decode(first.value));
}

Deno.test({
  name: "after an engine was killed, the fd holder returns input, buffered output, exit code and terminal",
  ...requires("root"),
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "tsd-keeper-" });
    try {
      const { fdHolder, writer, onTerminal } = await killedEngine(dir);
      try {
        await checkRetrieved(fdHolder, { writer, onTerminal });
      } finally {
        stopFdHolder(fdHolder);
        for (const pid of [writer, onTerminal]) killIfExists(pid);
      }
      await untilExited(fdHolder.pid);
      assert.deepEqual(retrieveFds(fdHolder), {});
      stopFdHolder(fdHolder);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function checkRetrieved(fdHolder: FdHolderRef, { writer, onTerminal }: { writer: number; onTerminal: number }) {
  assert.ok(!hasEnded(onTerminal), "the last close of the master would have hung it up");
  // While `sleep` starts, its dynamic loader opens libraries at numbers that are free, such as that of stderr.
  await until(() => isAsleep(fdHolder.pid), "the fd holder doesn't sleep");
  {
    // Only long enough to let the first process exit: only the fd holder holds the output while that process writes.
    const first = retrieveFds(fdHolder);
    using _first = closing(first);
    first.stdout?.close();
    files.write(first.stdin!.fd, bytes("go\n"));
    await ready(first.pidFd!.fd);
  }
  await untilExited(writer);
  const held = retrieveFds(fdHolder);
  using _held = closing(held);
  assert.deepEqual(Object.keys(held).sort(), ["pidFd", "stdin", "stdout", "terminal"]);
  assert.equal(await readUntil(held.stdout!.fd), "meanwhile go\n");
  assert.equal(exitStatusOf(held.pidFd!.fd, writer)?.exitCode, 9);
  files.write(held.terminal!.fd, bytes("hello\n"));
  assert.match(await readUntil(held.terminal!.fd, "got hello"), /^hello\r\ngot hello/);
}

function killIfExists(pid: number): void {
  try {
    processes.kill(pid, SIG.KILL);
  } catch (thrown) {
    if (!isErrno(thrown, "ESRCH")) throw thrown;
  }
}

/** Returns whether a process is in clock_nanosleep(2), where `sleep` waits only after it has loaded its libraries. */
const isAsleep = (pid: number) => Deno.readTextFileSync(`/proc/${pid}/wchan`).includes("nanosleep");

/** Returns whether a process has exited, whether or not it was reaped. */
const hasEnded = (pid: number) => [undefined, "Z"].includes(processStat(pid)?.state);

const untilExited = (pid: number) => until(() => hasEnded(pid), `process ${pid} goes on`);

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    assert.ok(Date.now() < deadline, otherwise);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

Deno.test({
  name: "the fd holder's pidfd retains the exit code of a process that was reaped",
  ...requires("root"),
  fn() {
    for (
      const [script, expected] of [["exit 7", { exitCode: 7, signal: undefined }], ["kill -9 $$", KILLED]] as const
    ) {
      const pid = processes.spawn(shell(script));
      const pidFd = new OwnedFd(processes.pidfdOpen(pid));
      const fdHolder = startFdHolder({ pidFd: pidFd.fd });
      pidFd.close();
      processes.waitpid(pid, 0);
      const held = retrieveFds(fdHolder);
      using _held = closing(held);
      const exit = exitStatusOf(held.pidFd!.fd, pid);
      if (kernelRetainsExits()) assert.deepEqual({ exitCode: exit?.exitCode, signal: exit?.signal }, expected);
      else assert.equal(exit, undefined);
      end(fdHolder.pid);
    }
  },
});

const KILLED = { exitCode: 137, signal: 9 };

/** Returns whether a pidfd retains the exit status after reaping: Linux 6.15 and later. */
function kernelRetainsExits(): boolean {
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 15);
}

Deno.test("exitStatusOf reads the exit of a zombie from /proc on every kernel", async () => {
  const pid = processes.spawn(shell("exit 5"));
  using pidFd = new OwnedFd(processes.pidfdOpen(pid));
  await ready(pidFd.fd);
  assert.equal(exitStatusOf(pidFd.fd, pid)?.exitCode, 5);
  processes.waitpid(pid, 0);
  assert.equal(exitStatusOf(pidFd.fd, pid, { ...processes, pidfdInfo: () => undefined }), undefined);
});

Deno.test({
  name: "an fd holder holds only the passed descriptors and leads its own session",
  ...requires("root"),
  async fn() {
    using master = openPty().master;
    using pidFd = new OwnedFd(processes.pidfdOpen(Deno.pid));
    const fdHolder = startFdHolder({ terminal: master.fd, pidFd: pidFd.fd });
    try {
      const fds = () => [...Deno.readDirSync(`/proc/${fdHolder.pid}/fd`)].map(({ name }) => name).sort().join();
      // During startup the dynamic loader may have another file open; once the process sleeps, startup is complete.
      await until(() => isAsleep(fdHolder.pid), "it doesn't sleep");
      assert.equal(fds(), "0,1,2,3,7");
      assert.equal(Deno.readLinkSync(`/proc/${fdHolder.pid}/cwd`), "/");
      const session = Deno.readTextFileSync(`/proc/${fdHolder.pid}/stat`).split(") ")[1].split(" ")[3];
      assert.equal(session, String(fdHolder.pid));
      const held = retrieveFds(fdHolder);
      using _held = closing(held);
      assert.deepEqual(Object.keys(held).sort(), ["pidFd", "terminal"]);
      assert.equal(Deno.readLinkSync(held.terminal!.procPath), "/dev/ptmx");
      assert.ok(!master.closed && !pidFd.closed);
    } finally {
      end(fdHolder.pid);
    }
  },
});

Deno.test("a process that reuses the fd holder's pid is neither read from nor killed", () => {
  const pid = processes.spawn(shell("exec sleep 100"));
  try {
    const other = { pid, startTicks: "12345" };
    assert.deepEqual(retrieveFds(other), {});
    stopFdHolder(other);
    assert.equal(processes.waitpid(pid), undefined, "it runs");
  } finally {
    end(pid);
  }
});

Deno.test("stopFdHolder closes descriptors that only the fd holder held", () => {
  const { readFd, writeFd } = pipes.pipe2(O.NONBLOCK);
  using reader = new OwnedFd(readFd);
  const writer = new OwnedFd(writeFd);
  const fdHolder = startFdHolder({ stdin: writer.fd });
  writer.close();
  assert.equal(files.read(reader.fd, new Uint8Array(1)), "again");
  stopFdHolder(fdHolder);
  assert.equal(processes.waitpid(fdHolder.pid, 0)?.signal, SIG.KILL);
  assert.equal(files.read(reader.fd, new Uint8Array(1)), 0);
  stopFdHolder(fdHolder);
});

Deno.test("findFdHolders finds fd holders by owner, and not by a prefix of a directory's name", async () => {
  using file = new OwnedFd(files.open(c("/dev/null"), O.RDONLY));
  const run = `/run/tsd-test-${Deno.pid}`;
  const [first, second, other] = [`${run}/a`, `${run}/b`, `${run}0/a`].map((owner) =>
    startFdHolder({ stdout: file.fd }, owner)
  );
  try {
    // A process that was just started has no environment until execve(2).
    await until(() => findFdHolders(run).length === 3, "not all are found");
    const found = findFdHolders(`${run}/`).sort((a, b) => a.owner.localeCompare(b.owner));
    assert.deepEqual(found, [{ ...first, owner: `${run}/a` }, { ...second, owner: `${run}/b` }]);
  } finally {
    for (const { pid } of [first, second, other]) end(pid);
  }
  assert.deepEqual(findFdHolders(run), []);
});

Deno.test("startFdHolder duplicates sources that collide with targets, and reports a missing program", () => {
  const fake = new FakeSys();
  const calls = { processes: fake.calls, pipes: fake.calls, files: fake.calls, startTime: () => 77n };
  assert.deepEqual(startFdHolder({ pidFd: 5, terminal: 3, stdin: 200 }, "me", calls), { pid: 1000, startTicks: "77" });
  assert.deepEqual(fake.argsOf("duplicate"), [[5, 8], [3, 8]]);
  const [{ stdio, env, path }] = fake.argsOf("spawn")[0] as [Parameters<typeof processes.spawn>[0]];
  assert.deepEqual(stdio.slice(3), [{ target: 3, fd: 100 }, { target: 4, fd: 200 }, { target: 7, fd: 101 }]);
  assert.deepEqual([env, path], [{ [OWNER_VARIABLE]: "me" }, "/bin/sleep"]);
  assert.equal(fake.openFds.size, 0);

  fake.script("spawn", { error: "ENOENT" });
  startFdHolder({ pidFd: 50 }, "me", calls);
  fake.script("spawn", { error: "ENOENT" }, { error: "ENOENT" }, { error: "ENOENT" });
  assert.throws(() => startFdHolder({ pidFd: 5 }, "me", calls), { code: "runtime_missing" });
  fake.script("spawn", { error: "ENOMEM" });
  assert.throws(() => startFdHolder({ pidFd: 5 }, "me", calls), (e) => isErrno(e, "ENOMEM"));
  assert.equal(fake.openFds.size, 0);
});

Deno.test("retrieveFds closes the descriptors it has retrieved if a later one fails", () => {
  const fake = new FakeSys();
  const calls = { processes: fake.calls, pipes: fake.calls, files: fake.calls, startTime: () => 77n };
  const fdHolder = { pid: 9, startTicks: "77" };
  fake.script("pidfdGetfd", { value: 50 }, { error: "EMFILE" });
  fake.openFds.add(50);
  assert.throws(() => retrieveFds(fdHolder, calls), (e) => isErrno(e, "EMFILE"));
  assert.equal(fake.openFds.size, 0);
  fake.script("pidfdOpen", { error: "ESRCH" });
  assert.deepEqual(retrieveFds(fdHolder, calls), {});
  fake.script("pidfdSendSignal", { error: "ESRCH" });
  stopFdHolder(fdHolder, calls);
  assert.equal(fake.openFds.size, 0);
});
