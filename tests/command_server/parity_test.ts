/** A command has the same result whether the engine runs it or a client process. */
import { strict as assert } from "node:assert";
import type { RunOptions } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { CommandServerFixture, NEEDED_PROCESS } from "./setup.ts";

/** Command lines that the engine runs; `IMAGE` is the image. */
const SAME: readonly string[][] = [
  ["version"],
  ["version", "--format", "{{.Client.Version}} {{.Server.Version}}"],
  ["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.State}}"],
  ["ps", "--nope"],
  ["ps", "extra"],
  ["ps", "--help"],
  ["images", "-q"],
  ["info", "--format", "{{.Driver}} {{.Containers}}"],
  ["inspect", "box"],
  ["inspect", "box", "nobody"],
  ["inspect", "--format", "{{.Nope}}", "box"],
  ["top", "box", "-o", "pid,args"],
  ["port", "box"],
  ["diff", "box"],
  ["network", "ls", "--format", "{{.Name}}"],
  ["network", "inspect", "nobody"],
  ["volume", "ls"],
  ["volume", "inspect", "nobody"],
  ["exec", "box"],
  ["exec", "nobody", "true"],
  ["exec", "box", "nosuch"],
  ["exec", "box", "/etc"],
  ["exec", "-w", "/nowhere", "box", "true"],
  ["exec", "-u", "nobody-there", "box", "true"],
  ["exec", "--nope", "box", "true"],
  ["exec", "box", "sh", "-c", "echo out; echo err >&2; exit 3"],
  ["exec", "-e", "GIVEN", "-e", "NOT_GIVEN", "-e", "ODD=a b'c\"", "box", "env"],
  ["exec", "box", "printf", "%s|", "", " ", "ä", "a\nb", "$x", "*"],
  ["exec", "-d", "box", "true"],
  ["run", "--rm", "--network", "none", "IMAGE", "sh", "-c", "echo out; echo err >&2; exit 200"],
  ["run", "--rm", "--network", "none", "-e", "GIVEN", "IMAGE", "sh", "-c", "echo $GIVEN; kill -9 $$"],
  ["run", "--rm", "--network", "none", "-v", "./shared:/shared", "IMAGE", "cat", "/shared/file"],
  ["run", "--rm", "--network", "none", "-v", "../test/shared:/shared:ro", "IMAGE", "touch", "/shared/new"],
  ["run", "--rm", "--network", "none", "IMAGE", "nosuch"],
  ["run", "--rm", "--network", "none", "IMAGE", "/etc"],
  ["run", "--rm", "--name", "box", "IMAGE", "true"],
  ["run", "--rm", "--network", "nobody", "IMAGE", "true"],
  ["run", "--nope", "IMAGE"],
  ["run"],
  ["create", "--name", "a b", "IMAGE"],
  ["start", "nobody"],
  ["stop", "nobody"],
  ["kill", "-s", "NOPE", "box"],
  ["wait", "nobody"],
  ["rm", "nobody"],
  ["rm", "-f", "nobody"],
  ["rm", "box"],
  ["rename", "box", "box"],
  ["rmi", "nobody"],
  ["tag", "nobody", "somebody"],
  ["pause", "nobody"],
  ["unpause", "box"],
  ["update", "--memory", "1", "box"],
  ["network", "rm", "nobody"],
  ["volume", "rm", "nobody"],
  ["container", "ls", "-q", "--no-trunc"],
  ["container", "nope"],
  ["image", "inspect", "nobody"],
];

/** Command lines that need a client process. */
const LEFT: readonly string[][] = [
  ["-H", "HOST", "ps"],
  ["logs", "box"],
  ["exec", "-i", "box", "cat"],
  ["exec", "-t", "box", "true"],
  ["exec", "--env-file", "file", "box", "true"],
  ["run", "-i", "--rm", "IMAGE", "cat"],
  ["run", "-a", "stdout", "--rm", "IMAGE", "true"],
  ["run", "--cidfile", "id", "--rm", "IMAGE", "true"],
  ["run", "--rm", "127.0.0.1:1/nobody/nothing", "true"],
  ["start", "-a", "box"],
  ["cp", "box:/etc", "-"],
  ["save", "IMAGE"],
  ["events", "--until", "1"],
  ["stats", "--no-stream"],
  ["prune", "-f"],
];

Deno.test("commands run by the engine", requires("root", "runc"), async (test) => {
  await using fixture = await CommandServerFixture.start();
  const { engine, image } = fixture.setup;
  await Deno.mkdir(`${fixture.dir}/shared`);
  await Deno.writeTextFile(`${fixture.dir}/shared/file`, "of the caller's folder\n");
  const filled = (args: readonly string[]) =>
    args.map((word) => word === "IMAGE" ? image : word === "HOST" ? engine.host : word);
  const before = await fixture.descriptors();

  await test.step("outputs and exit codes equal those of a client process", async () => {
    const options: RunOptions = { env: { GIVEN: "by the caller, ü" } };
    for (const args of SAME) {
      const [served, alone] = [await fixture.served(filled(args), options), await fixture.alone(filled(args), options)];
      assert.doesNotMatch(served.stderr, new RegExp(NEEDED_PROCESS), args.join(" "));
      assert.deepEqual(masked(served), masked(alone), args.join(" "));
    }
  });

  await test.step("the other commands need a client process", async () => {
    for (const args of LEFT) {
      const { code, stdout, stderr } = await fixture.served(filled(args));
      assert.deepEqual([code, stdout], [125, ""], args.join(" "));
      assert.match(stderr, new RegExp(NEEDED_PROCESS), args.join(" "));
    }
    assert.match((await fixture.served(["ps"], { env: { TSD_HOST: "unix:///nowhere.sock" } })).stderr, /cannot make/);
    await Deno.symlink(engine.socketPath, `${fixture.dir}/link.sock`);
    const linked = await fixture.served(["ps"], { env: { TSD_HOST: `unix://${fixture.dir}/link.sock` } });
    assert.match(linked.stderr, new RegExp(NEEDED_PROCESS));
  });

  await test.step("exit codes", async () => {
    const codes = [0, 1, 2, 64, 124, 125, 126, 127, 128, 130, 137, 141, 143, 200, 254, 255];
    for (const n of codes) assert.equal((await fixture.served(["exec", "box", "sh", "-c", `exit ${n}`])).code, n);
  });

  await test.step("a file shared by both streams has all output in the order of writing", async () => {
    const script = `
      ($tsd exec box echo a; echo b; $tsd exec box sh -c 'echo c >&2'; $tsd exec box echo d; echo e) >shared.txt 2>&1
      cat shared.txt`;
    assert.equal((await fixture.shell(script)).stdout, "a\nb\nc\nd\ne\n");
  });

  await test.step("binary data is transferred unchanged", async () => {
    const script = "head -c 3000000 /dev/urandom >random && cat random | md5sum >&2 && cat random";
    const { stdout, stderr } = await fixture.shell(`$tsd exec box sh -c '${script}' 2>sum | md5sum; cat sum >&2`);
    assert.match(stdout, /^[0-9a-f]{32} {2}-\n$/);
    assert.equal(stdout, stderr);
  });

  await test.step("closed outputs, a full disk, a reader that closes early", async () => {
    const lines: [string, string][] = [
      ["exec box echo out >&-", ""],
      ["exec box sh -c 'echo out; echo err >&2' 2>&-", "out\n"],
      ["ps -q >/dev/full", ""],
      ["ps -q >/dev/full 2>&1", ""],
      ["run --rm --network none $image echo out >/dev/full", ""],
      ["exec box sh -c 'seq 1 100000; exit 3' | head -n 1", "1\n"],
    ];
    for (const [line, out] of lines) {
      const codes = (client: string) => `set +eu; (${client} ${line}; echo $? >code) </dev/null; cat code`;
      // A command with a closed stream needs a client process; the launcher detects that.
      const served = await fixture.shell(codes("$tsd"), { env: line.includes("&-") ? { TSD_CACHE_DIR: "" } : {} });
      const alone = await fixture.shell(codes("$alone"), { env: { TSD_CACHE_DIR: "" } });
      assert.deepEqual(served, alone, line);
      assert.match(served.stdout, new RegExp(`^${out}\\d+\n$`), line);
    }
  });

  await test.step("nothing is left: slots, descriptors", async () => {
    await fixture.allFree();
    await fixture.noMoreDescriptors(before);
  });
});

/** Masks what differs from run to run. */
function masked({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) {
  const mask = (text: string) =>
    text.replaceAll(/\b[0-9a-f]{64}\b/g, "ID").replaceAll(/\d+ (minutes?|seconds?) ago/g, "AGO");
  return { code, stdout: mask(stdout), stderr: mask(stderr) };
}
