import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import {
  ANY_CHILD,
  type ChildStdio,
  cString as c,
  EPOLL,
  Epoll,
  exitOf,
  files,
  isErrno,
  O,
  OwnedFd,
  pipes,
  processes,
  processStartTime,
  processStat,
  selfProcess,
  SIG,
  type SpawnRequest,
  tree,
} from "./mod.ts";
import { isTsdError } from "../errors.ts";

function isOpen(fd: number): boolean {
  try {
    Deno.readLinkSync(`/proc/self/fd/${fd}`);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

const NULL_STDIO: ChildStdio[] = [
  { target: 0, path: "/dev/null", flags: O.RDONLY },
  { target: 1, path: "/dev/null", flags: O.WRONLY },
  { target: 2, path: "/dev/null", flags: O.WRONLY },
];

/**
 * Request for a shell with a script. A script that is to be killed has to use `exec`, or the shell's child would
 * outlive it.
 */
const shell = (script: string, more: Partial<SpawnRequest> = {}): SpawnRequest => ({
  path: "/bin/sh",
  argv: ["sh", "-c", script],
  env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  stdio: NULL_STDIO,
  ...more,
});

/** Runs a script to its end and returns its output. The pipe holds 64 KiB, which is enough to wait first. */
function outputOf(script: string, more: Partial<SpawnRequest> = {}): { output: string; exitCode: number | undefined } {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  const stdio = [NULL_STDIO[0], { target: 1, fd: writer.fd }, { target: 2, fd: writer.fd }];
  const exit = processes.waitpid(processes.spawn(shell(script, { stdio, ...more })), 0);
  writer.close();
  let output = "";
  const buffer = new Uint8Array(65536);
  for (;;) {
    const length = files.read(reader.fd, buffer);
    if (length === 0 || length === "again") return { output, exitCode: exit?.exitCode };
    output += new TextDecoder().decode(buffer.subarray(0, length));
  }
}

Deno.test("spawn: arguments, environment, working directory, exit code", () => {
  const request = { argv: ["sh", "-c", 'echo "$0|$1|$A|$HOME|$(pwd)"; exit 7', "zero", "ä b"], env: { A: "é=1" } };
  const result = outputOf("", { ...request, cwd: "/usr" });
  assert.deepEqual(result, { output: "zero|ä b|é=1||/usr\n", exitCode: 7 });
});

Deno.test("spawn: the child has descriptors 0, 1, 2 only, whatever is open in the parent", () => {
  using leak = new OwnedFd(files.open(c("/etc/hostname"), O.RDONLY));
  pipes.setCloseOnExec(leak.fd, false);
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  // Inspected from outside, and only once the shell runs: before that, the dynamic loader itself uses descriptor 3.
  const pid = processes.spawn(
    shell("echo up; kill -STOP $$", { stdio: [...NULL_STDIO, { target: 1, fd: writer.fd }] }),
  );
  try {
    assert.equal(files.read(reader.fd, new Uint8Array(8)), 3);
    assert.deepEqual([...Deno.readDirSync(`/proc/${pid}/fd`)].map((entry) => entry.name).sort(), ["0", "1", "2"]);
  } finally {
    processes.kill(pid, SIG.KILL);
    processes.waitpid(pid, 0);
  }
});

Deno.test("spawn: with inheritFdsBelow the child has further descriptors at the requested numbers", () => {
  // Inherited descriptors, some at the numbers that the child is to have.
  using inherited = new OwnedFd(files.open(c("/etc/hostname"), O.RDONLY));
  pipes.setCloseOnExec(inherited.fd, false);
  using _low = new DisposableStack();
  for (const fd of [3, 4, 6].filter((each) => !isOpen(each))) {
    selfProcess.dup2(inherited.fd, fd);
    _low.defer(() => files.close(fd));
  }
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  const zero = { target: 7, path: "/dev/zero", flags: O.RDONLY };
  const stdio = [...NULL_STDIO, { target: 1, fd: writer.fd }, { target: 5, fd: writer.fd }, zero];
  const request = shell("echo up; kill -STOP $$", { stdio, inheritFdsBelow: 8 });
  const pid = processes.spawn(request);
  try {
    assert.equal(files.read(reader.fd, new Uint8Array(8)), 3);
    const fds = [...Deno.readDirSync(`/proc/${pid}/fd`)].map((entry) => entry.name).sort();
    assert.deepEqual(fds, ["0", "1", "2", "5", "7"]);
    const targetOf = (fd: number) => Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
    assert.deepEqual([targetOf(5), targetOf(7)], [targetOf(1), "/dev/zero"]);
  } finally {
    processes.kill(pid, SIG.KILL);
    processes.waitpid(pid, 0);
  }
  for (const inheritFdsBelow of [undefined, 3, 7]) {
    assert.throws(
      () => processes.spawn({ ...request, inheritFdsBelow: inheritFdsBelow }),
      (e) => isTsdError(e, "invalid_argument"),
    );
  }
});

// Opened before the tests, as a library that a test opens counts as leaked.
const { pthread_sigmask } = Deno.dlopen("libc.so.6", {
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
}).symbols;

/** Runs `body` with one more signal blocked on this thread. */
function withBlocked(signal: number, body: () => void): void {
  const [SIG_BLOCK, SIG_SETMASK] = [0, 2];
  const [set, before] = [new Uint8Array(128), new Uint8Array(128)];
  set[(signal - 1) >> 3] = 1 << ((signal - 1) & 7);
  // SAFETY: both are a sigset_t of 128 bytes.
  assert.equal(pthread_sigmask(SIG_BLOCK, set, before), 0);
  try {
    body();
  } finally {
    pthread_sigmask(SIG_SETMASK, before, null);
  }
}

const signalSets = (status: string) =>
  [...status.matchAll(/^(SigBlk|SigIgn):\s*(.*)$/gm)].map((m) => `${m[1]} ${m[2]}`);

Deno.test("spawn: a new session, default signal actions, an empty mask, whatever the parent has", () => {
  const none = "0".repeat(16);
  withBlocked(SIG.USR1, () => {
    // This thread blocks USR1 and Deno ignores PIPE: a child would inherit both.
    const parentSets = signalSets(Deno.readTextFileSync("/proc/thread-self/status"));
    assert.ok(!parentSets.includes(`SigBlk ${none}`) && !parentSets.includes(`SigIgn ${none}`), parentSets.join());
    // Without a shell in between, which changes its signal mask while it forks.
    const grep = outputOf("", { path: "/bin/grep", argv: ["grep", "Sig", "/proc/self/status"] });
    assert.deepEqual(signalSets(grep.output), [`SigBlk ${none}`, `SigIgn ${none}`]);
  });
  const cut = outputOf("", { path: "/usr/bin/cut", argv: ["cut", "-d ", "-f1,5,6", "/proc/self/stat"] });
  const [pid, group, session] = cut.output.trim().split(" ");
  assert.ok(pid === group && pid === session, cut.output);
});

Deno.test("spawn: a path that cannot be opened is a SysError, and no child stays", () => {
  assert.throws(() => processes.spawn(shell("", { path: "/no/such" })), {
    message: 'posix_spawn "/no/such": ENOENT (No such file or directory)',
  });
  assert.throws(() => processes.spawn(shell("", { path: "/etc" })), (e) => isErrno(e, "EACCES"));
  assert.throws(() => processes.spawn(shell("", { cwd: "/no/such" })), (e) => isErrno(e, "ENOENT"));
  const stdio = [{ target: 0, path: "/no/such", flags: O.RDONLY }];
  assert.throws(() => processes.spawn(shell("", { stdio })), (e) => isErrno(e, "ENOENT"));
  assert.throws(() => processes.waitpid(ANY_CHILD), (e) => isErrno(e, "ECHILD"));
});

Deno.test("spawn refuses stdio that would overwrite its own source, and NUL in arguments", () => {
  const stdio = [{ target: 2, path: "/dev/null", flags: O.WRONLY }, { target: 1, fd: 2 }];
  assert.throws(() => processes.spawn(shell("", { stdio })), (e) => isTsdError(e, "invalid_argument"));
  assert.throws(() => processes.spawn(shell("", { env: { A: "x\0B=y" } })), (e) => isTsdError(e, "invalid_argument"));
});

Deno.test("spawn with FIFOs: the child opens them itself; output and end of input arrive", async () => {
  const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  try {
    using dir = new OwnedFd(files.open(c(path), O.RDONLY | O.DIRECTORY));
    for (const name of ["0", "1"]) tree.mkfifoat(dir.fd, c(name), 0o600);
    // Open for reading and writing, so that neither the child's open nor ours blocks.
    const holder = new OwnedFd(files.openat(dir.fd, c("0"), O.RDWR));
    using output = new OwnedFd(files.openat(dir.fd, c("1"), O.RDWR | O.NONBLOCK));
    const stdio: ChildStdio[] = [
      { target: 0, path: `${path}/0`, flags: O.RDONLY },
      { target: 1, path: `${path}/1`, flags: O.RDWR },
      NULL_STDIO[2],
    ];
    const pid = processes.spawn(shell("cat; echo end; exit 3", { stdio }));
    using input = new OwnedFd(files.openat(dir.fd, c("0"), O.WRONLY | O.NONBLOCK));
    holder.close();
    files.write(input.fd, new TextEncoder().encode("hello\n"));
    input.close();
    using pidFd = new OwnedFd(processes.pidfdOpen(pid));
    await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
    const ended = Promise.withResolvers<void>();
    epoll.add(pidFd.fd, EPOLL.IN, () => {
      epoll.remove(pidFd.fd);
      ended.resolve();
    });
    epoll.run();
    await ended.promise;
    assert.equal(processes.waitpid(pid)?.exitCode, 3);
    const buffer = new Uint8Array(100);
    const length = files.read(output.fd, buffer);
    assert.equal(new TextDecoder().decode(buffer.subarray(0, Number(length))), "hello\nend\n");
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("waitpid: undefined while the child runs, its signal when it was killed, ECHILD afterwards", () => {
  const pid = processes.spawn(shell("exec sleep 100"));
  assert.equal(processes.waitpid(pid), undefined);
  processes.kill(pid, 0);
  processes.kill(pid, SIG.KILL);
  assert.deepEqual(processes.waitpid(pid, 0), { pid, status: 9, exitCode: 137, signal: 9 });
  assert.throws(() => processes.waitpid(pid), (e) => isErrno(e, "ECHILD"));
  assert.throws(() => processes.kill(pid, SIG.TERM), (e) => isErrno(e, "ESRCH"));
});

Deno.test("exitOf decodes codes, signals and core dumps", () => {
  assert.deepEqual(exitOf(5, 0x0700), { pid: 5, status: 0x0700, exitCode: 7, signal: undefined });
  assert.deepEqual(exitOf(5, 0x8b), { pid: 5, status: 0x8b, exitCode: 139, signal: 11 });
  assert.equal(exitOf(5, 0xff00).exitCode, 255);
});

Deno.test("pidfds: signals reach the process, and fail with ESRCH once it was reaped", () => {
  const pid = processes.spawn(shell("exec sleep 100"));
  using pidFd = new OwnedFd(processes.pidfdOpen(pid));
  processes.pidfdSendSignal(pidFd.fd, SIG.TERM);
  assert.equal(processes.waitpid(pid, 0)?.exitCode, 143);
  assert.throws(() => processes.pidfdSendSignal(pidFd.fd, SIG.TERM), (e) => isErrno(e, "ESRCH"));
  assert.throws(() => processes.pidfdOpen(pid), (e) => isErrno(e, "ESRCH"));
});

Deno.test({
  name: "pidfdGetfd duplicates a descriptor of a child",
  ...requires("root"),
  fn() {
    const { readFd, writeFd } = pipes.pipe2();
    using reader = new OwnedFd(readFd);
    const writer = new OwnedFd(writeFd);
    const pid = processes.spawn(shell("exec sleep 100", { stdio: [{ target: 1, fd: writer.fd }] }));
    writer.close();
    using pidFd = new OwnedFd(processes.pidfdOpen(pid));
    using duplicate = new OwnedFd(processes.pidfdGetfd(pidFd.fd, 1));
    files.write(duplicate.fd, new Uint8Array([42]));
    const buffer = new Uint8Array(4);
    assert.equal(files.read(reader.fd, buffer), 1);
    assert.equal(buffer[0], 42);
    processes.kill(pid, SIG.KILL);
    processes.waitpid(pid, 0);
  },
});

Deno.test("processStat of a child: parent, start time, zombie with its status", () => {
  const pid = processes.spawn(shell("exit 9"));
  using pidFd = new OwnedFd(processes.pidfdOpen(pid));
  const start = processStartTime(pid);
  assert.ok(start !== undefined && start >= (processStartTime(Deno.pid) ?? 0n));
  assert.equal(processStat(pid)?.parentPid, Deno.pid);
  assert.equal(processes.waitpid(pid, 0)?.exitCode, 9);
  assert.equal(processStat(pid), undefined);
  assert.ok(!pidFd.closed);
});

const KILLED = { status: 9, exitCode: 137, signal: 9 };

/** Returns whether the kernel keeps exit statuses for pidfds: Linux 6.15 and later. */
function kernelRetainsExits(): boolean {
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 15);
}

function untilZombie(pid: number): void {
  const deadline = Date.now() + 5000;
  while (processStat(pid)?.state !== "Z") assert.ok(Date.now() < deadline, "it didn't end");
}

Deno.test("pidfdInfo: a running process, a zombie, a reaped process", () => {
  for (
    const [script, exit] of [["exit 7", { status: 0x700, exitCode: 7, signal: undefined }], ["kill -9 $$", KILLED]]
  ) {
    const { readFd, writeFd } = pipes.pipe2();
    using reader = new OwnedFd(readFd);
    const writer = new OwnedFd(writeFd);
    const pid = processes.spawn(shell(`read x; ${script}`, { stdio: [{ target: 0, fd: reader.fd }, NULL_STDIO[1]] }));
    using pidFd = new OwnedFd(processes.pidfdOpen(pid));
    const running = processes.pidfdInfo(pidFd.fd);
    writer.close();
    untilZombie(pid);
    const zombie = processes.pidfdInfo(pidFd.fd);
    processes.waitpid(pid, 0);
    const reaped = processes.pidfdInfo(pidFd.fd);
    if (kernelRetainsExits()) {
      assert.deepEqual([running, zombie], [{ pid, exit: undefined }, { pid, exit: undefined }]);
      assert.deepEqual(reaped, { pid: undefined, exit });
    } else {
      for (const info of [running, zombie, reaped]) assert.equal(info?.exit, undefined);
    }
  }
});

Deno.test("pidfdInfo: undefined for a descriptor that is no pidfd, an error for a closed one", () => {
  using file = new OwnedFd(files.open(c("/dev/null"), O.RDONLY));
  assert.equal(processes.pidfdInfo(file.fd), undefined);
  assert.throws(() => processes.pidfdInfo(100_000), (e) => isErrno(e, "EBADF"));
});
