import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { files, OwnedFd, pipes, selfProcess } from "./mod.ts";

Deno.test("dup2 replaces a descriptor; umask returns the previous mask", () => {
  const [a, b] = [pipes.pipe2(), pipes.pipe2()];
  using reader = new OwnedFd(a.readFd);
  using writer = new OwnedFd(a.writeFd);
  using otherReader = new OwnedFd(b.readFd);
  using otherWriter = new OwnedFd(b.writeFd);
  selfProcess.dup2(writer.fd, otherWriter.fd);
  files.write(otherWriter.fd, new Uint8Array([7]));
  const buffer = new Uint8Array(2);
  assert.equal(files.read(reader.fd, buffer), 1);
  assert.equal(files.read(otherReader.fd, buffer), 0, "the replaced writer was the last one");

  const before = selfProcess.umask(0o077);
  assert.equal(selfProcess.umask(before), 0o077);
});

/** Becomes a session leader and a child subreaper, as the daemon does at its start. */
const DAEMON = `
  const { selfProcess, pipes, processes, processStat, O, OwnedFd, files, isErrno } = await import(MODULE);
  selfProcess.setsid();
  const session = (await Deno.readTextFile("/proc/self/stat")).split(") ")[1].split(" ")[3];
  let again = "";
  try { selfProcess.setsid(); } catch (thrown) { if (!isErrno(thrown, "EPERM")) throw thrown; again = "EPERM"; }
  selfProcess.setChildSubreaper();
  const { readFd, writeFd } = pipes.pipe2();
  const child = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", "(exit 5) & echo $!"], env: {},
    stdio: [{ target: 1, fd: writeFd }] });
  processes.waitpid(child, 0);
  const buffer = new Uint8Array(100);
  const orphan = Number(new TextDecoder().decode(buffer.subarray(0, files.read(readFd, buffer))));
  console.log(JSON.stringify({ leads: Number(session) === Deno.pid, again, exit: processes.waitpid(orphan, 0).exitCode }));
`;

Deno.test("setsid and setChildSubreaper, in a separate process", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-check", "-A", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const program = DAEMON.replace("MODULE", JSON.stringify(import.meta.resolve("./mod.ts")));
  await new Response(program).body?.pipeTo(child.stdin);
  const { stdout, stderr } = await child.output();
  assert.equal(
    new TextDecoder().decode(stdout).trim(),
    '{"leads":true,"again":"EPERM","exit":5}',
    new TextDecoder().decode(stderr),
  );
});

/**
 * Starts a child, leaves two of its pipes without close-on-exec, and replaces itself by the same program with other
 * arguments. The second program waits for the child, which hadn't exited when it started.
 */
const REPLACED = `
  const { selfProcess, pipes, processes, isErrno, files } = await import(MODULE);
  const [role, before, child, kept, closed, trigger] = Deno.args;
  if (role === "first") {
    const [input, output] = [pipes.pipe2(), pipes.pipe2()];
    const child = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", "read x; echo got $x >&5; exit 6"], env: {},
      stdio: [{ target: 0, fd: input.readFd }, { target: 5, fd: output.writeFd }], inheritFdsBelow: 6 });
    for (const fd of [output.readFd, input.writeFd]) pipes.setCloseOnExec(fd, false);
    let failed = "";
    try { selfProcess.execve("/no/such", ["x"], {}); } catch (thrown) { if (!isErrno(thrown, "ENOENT")) throw thrown; failed = thrown.message; }
    const self = ["run", "--no-config", "--no-check", "-A", Deno.mainModule];
    const args = [Deno.pid, child, output.readFd, output.writeFd, input.writeFd].map(String);
    selfProcess.execve(Deno.execPath(), ["deno", ...self, "second", ...args], { FAILED: failed, DENO_DIR: Deno.env.get("DENO_DIR") ?? "" });
  }
  let gone = "";
  try { files.write(Number(closed), new Uint8Array(1)); } catch (thrown) { if (!isErrno(thrown, "EBADF")) throw thrown; gone = "EBADF"; }
  files.write(Number(trigger), new TextEncoder().encode("hello\\n"));
  const exit = processes.waitpid(Number(child), 0);
  const buffer = new Uint8Array(100);
  const text = new TextDecoder().decode(buffer.subarray(0, files.read(Number(kept), buffer)));
  const samePid = Number(before) === Deno.pid;
  const { LEFT_OUT, FAILED } = Deno.env.toObject();
  console.log(JSON.stringify({ samePid, exitCode: exit.exitCode, text, gone, leftOut: LEFT_OUT ?? "", failed: FAILED }));
`;

Deno.test("execve: the new program keeps the pid, the children and the descriptors without close-on-exec", async () => {
  const path = await Deno.makeTempFile({ prefix: "tsd-sys-", suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, REPLACED.replace("MODULE", JSON.stringify(import.meta.resolve("./mod.ts"))));
    const args = ["run", "--no-config", "--no-check", "-A", path, "first"];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { LEFT_OUT: "1" } }).output();
    assert.ok(stdout.length > 0, new TextDecoder().decode(stderr));
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), {
      samePid: true,
      exitCode: 6,
      text: "got hello\n",
      gone: "EBADF",
      leftOut: "",
      failed: 'execve "/no/such": ENOENT (No such file or directory)',
    });
  } finally {
    await Deno.remove(path);
  }
});
