import { strict as assert } from "node:assert";
import "./preopen.ts";
import { files, OwnedFd, ownProcess, pipes } from "./mod.ts";

Deno.test("dup2 replaces a descriptor; umask gives back the former", () => {
  const [a, b] = [pipes.pipe2(), pipes.pipe2()];
  using reader = new OwnedFd(a.readFd);
  using writer = new OwnedFd(a.writeFd);
  using otherReader = new OwnedFd(b.readFd);
  using otherWriter = new OwnedFd(b.writeFd);
  ownProcess.dup2(writer.fd, otherWriter.fd);
  files.write(otherWriter.fd, new Uint8Array([7]));
  const buffer = new Uint8Array(2);
  assert.equal(files.read(reader.fd, buffer), 1);
  assert.equal(files.read(otherReader.fd, buffer), 0, "the replaced writer was the last one");

  const before = ownProcess.umask(0o077);
  assert.equal(ownProcess.umask(before), 0o077);
});

/** Leads a session of its own, and gets the orphans of its children: what the daemon does at its start. */
const DAEMON = `
  const { ownProcess, pipes, processes, processStat, O, OwnedFd, files, isErrno } = await import(MODULE);
  ownProcess.setsid();
  const session = (await Deno.readTextFile("/proc/self/stat")).split(") ")[1].split(" ")[3];
  let again = "";
  try { ownProcess.setsid(); } catch (thrown) { if (!isErrno(thrown, "EPERM")) throw thrown; again = "EPERM"; }
  ownProcess.setChildSubreaper();
  const { readFd, writeFd } = pipes.pipe2();
  const child = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", "(exit 5) & echo $!"], env: {},
    stdio: [{ target: 1, fd: writeFd }] });
  processes.waitpid(child, 0);
  const buffer = new Uint8Array(100);
  const orphan = Number(new TextDecoder().decode(buffer.subarray(0, files.read(readFd, buffer))));
  console.log(JSON.stringify({ leads: Number(session) === Deno.pid, again, exit: processes.waitpid(orphan, 0).exitCode }));
`;

Deno.test("setsid and setChildSubreaper, in a process of their own", async () => {
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
