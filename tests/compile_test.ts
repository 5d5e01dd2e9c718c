/** How the executable starts: the portable form's launcher and cache, with a fake program inside. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { compile } from "../scripts/compile.ts";
import { capture, EXECUTABLE, exists, filesBelow } from "../scripts/project.ts";
import { WORKER_ENTRIES } from "../src/worker_entry.ts";
import { requires } from "./requires.ts";
import { writeFake } from "./fake_project.ts";

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cache: string;
  readonly args?: readonly string[];
  readonly program?: string;
  readonly input?: string;
  readonly env?: Record<string, string>;
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  readonly uid?: number;
}

/** A built fake program and a directory for one test's caches. */
class Bench implements AsyncDisposable {
  private constructor(readonly dir: string, readonly program: string) {}

  static async create(): Promise<Bench> {
    const dir = await Deno.makeTempDir();
    await writeFake(join(dir, "project"));
    const program = join(dir, "out/tsd");
    Deno.env.set("TSD_CACHE_DIR", join(dir, "build-cache"));
    await compile({ form: "portable", output: program, projectDir: join(dir, "project") });
    Deno.env.delete("TSD_CACHE_DIR");
    return new Bench(dir, program);
  }

  async run(
    { cache, args = ["version"], program = this.program, input, env = {}, ...rest }: RunOptions,
  ): Promise<Answer> {
    const command = new Deno.Command(program, {
      ...rest,
      args: [...args],
      env: { TSD_CACHE_DIR: cache, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    const child = command.spawn();
    const writer = child.stdin.getWriter();
    if (input !== undefined) await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

const WORKS: Answer = { code: 0, stdout: "stand-in 0.1.0 (portable)\n", stderr: "" };

/** Finds the directories that a first start creates. */
async function dirsOf(cache: string): Promise<{ app: string; runtime: string }> {
  const names = (await Array.fromAsync(Deno.readDir(cache))).filter((each) => each.isDirectory).map(({ name }) => name);
  const runtime = names.find((name) => name.startsWith("runtime-"));
  const app = names.find((name) => !name.startsWith("runtime-"));
  assert.ok(runtime !== undefined && app !== undefined && names.length === 2, names.join(" "));
  return { app: join(cache, app), runtime: join(cache, runtime) };
}

Deno.test("the portable executable", async (t) => {
  await using bench = await Bench.create();
  const warm = join(bench.dir, "warm");
  assert.deepEqual(await bench.run({ cache: warm }), WORKS);

  await t.step("passes arguments, input and exit codes through", async () => {
    const args = ["show", "a b", "", "new\nline", "--help", "-V", "--", "$HOME", "*", "'\""];
    const shown = JSON.parse((await bench.run({ cache: warm, args })).stdout);
    assert.deepEqual(shown.args, args.slice(1));
    const input = "line 1\nline 2 without end";
    assert.equal((await bench.run({ cache: warm, args: ["cat"], input })).stdout, input);
    assert.equal((await bench.run({ cache: warm, args: ["exit", "9"] })).code, 9);
  });

  await t.step("knows its path, whether called by path, through PATH or a symlink", async () => {
    const executable = async (options: Partial<RunOptions>) =>
      JSON.parse((await bench.run({ cache: warm, args: ["show"], ...options })).stdout).executable;
    assert.equal(await executable({}), bench.program);
    assert.equal(
      await executable({ program: "/bin/sh", args: ["-c", "./tsd show"], cwd: join(bench.dir, "out") }),
      bench.program,
    );
    const env = { PATH: `${bench.dir}/out:${Deno.env.get("PATH")}` };
    assert.equal(await executable({ program: "/bin/sh", args: ["-c", "tsd show"], env }), bench.program);
    await Deno.symlink(bench.program, join(bench.dir, "link"));
    assert.equal(await executable({ program: join(bench.dir, "link") }), bench.program);
  });

  await t.step("replaces itself by the program: same process, so signals arrive", async () => {
    const env = { TSD_CACHE_DIR: warm };
    const child = new Deno.Command(bench.program, { args: ["wait"], env, stdout: "piped" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "ready\n");
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 7);
    await reader.cancel();
  });

  await t.step("finds its workers and lazily loaded code", async () => {
    const { stdout } = await bench.run({ cache: warm, args: ["daemon"] });
    const workers = Object.values(WORKER_ENTRIES).map((source) => `${source} portable\n`);
    assert.equal(stdout, `function\n${workers.join("")}`);
  });

  await t.step("later starts run no other program", async () => {
    const bin = join(bench.dir, "bin");
    await Deno.mkdir(bin);
    assert.deepEqual(await bench.run({ cache: warm, clearEnv: true, env: { PATH: bin } }), WORKS);
  });

  await t.step("after a reboot it verifies its cache again, with stat", async () => {
    const { app } = await dirsOf(warm);
    const stamp = join(app, "whole");
    const boot = await Deno.readTextFile(stamp);
    await Deno.writeTextFile(stamp, "another\n");
    assert.deepEqual(await bench.run({ cache: warm }), WORKS);
    assert.equal(await Deno.readTextFile(stamp), boot);
    await Deno.writeTextFile(stamp, "another\n");
    const { size, mtime } = await Deno.stat(join(app, "mod.js"));
    await Deno.truncate(join(app, "mod.js"), 10);
    await Deno.utime(join(app, "mod.js"), mtime!, mtime!);
    assert.deepEqual(await bench.run({ cache: warm }), WORKS);
    assert.equal((await Deno.stat(join(app, "mod.js"))).size, size);
  });

  await t.step("the program gets the caller's umask, on the first start too", async () => {
    const args = ["-c", `umask 027; "${bench.program}" show`];
    for (const cache of [join(bench.dir, "masked"), join(bench.dir, "masked")]) {
      const { stdout } = await bench.run({ cache, program: "/bin/sh", args });
      assert.equal(JSON.parse(stdout.split("\n")[0]).umask, 0o027);
    }
  });

  await t.step("concurrent first starts all work, and unpack once", async () => {
    const cache = join(bench.dir, "crowd");
    const answers = await Promise.all(Array.from({ length: 4 }, () => bench.run({ cache })));
    assert.deepEqual(answers, Array(4).fill(WORKS));
    await dirsOf(cache);
  });

  await t.step("a damaged cache is repaired", async () => {
    const { app, runtime } = await dirsOf(warm);
    const damages: Record<string, () => Promise<void>> = {
      "truncated program": () => Deno.truncate(join(runtime, "tsd"), 1_000_000),
      "empty program": () => Deno.truncate(join(runtime, "tsd"), 0),
      "truncated module": () => Deno.truncate(join(app, "mod.js"), 10),
      "missing module": () => Deno.remove(join(app, Object.values(WORKER_ENTRIES)[0].replace(".ts", ".js"))),
      "module writable by others before verification": async () => {
        await Deno.chmod(join(app, "mod.js"), 0o666);
        await Deno.remove(join(app, "whole"));
      },
      "missing bundle": () => Deno.remove(app, { recursive: true }),
      "files of a killed start": async () => {
        await Deno.mkdir(join(warm, ".unpack-1/x"), { recursive: true });
        await Deno.remove(join(app, "mod.js"));
      },
    };
    // If sh is bash, comparisons of timestamps treat missing files differently.
    const shells = [{}, { program: "/bin/bash", args: ["--posix", bench.program, "version"] }];
    const cases = Object.entries(damages).flatMap(([damage, make]) => shells.map((shell) => ({ damage, make, shell })));
    for (const { damage, make, shell } of cases) {
      await make();
      assert.deepEqual(await bench.run({ cache: warm, ...shell }), WORKS, damage);
      assert.equal((await Deno.stat(join(app, "mod.js"))).mode! & 0o777, 0o600, damage);
    }
  });

  await t.step("a new build removes only unused directories of older builds", async () => {
    const cache = join(bench.dir, "old");
    const name = (n: number) => `${n}`.padStart(32, "0");
    const make = async (directory: string, file: string, ageDays: number) => {
      await Deno.mkdir(join(cache, directory), { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(join(cache, directory, file), "");
      const time = new Date(Date.now() - ageDays * 86_400_000);
      for (const path of [join(cache, directory, file), join(cache, directory)]) await Deno.utime(path, time, time);
    };
    await Deno.mkdir(cache, { mode: 0o700 });
    // The new build is the newest; two older builds are retained as newest too.
    for (const [n, ageDays] of [30, 29, 28, 27, 26, 25, 24].entries()) await make(name(n), "mod.js", ageDays);
    await make(name(7), "mod.js", 31);
    await Deno.utime(join(cache, name(7), "mod.js"), new Date(), 0); // an old build that was started today
    for (const n of [1, 2]) await make(`runtime-${name(n)}`, "tsd", 30);
    for (const other of ["notes", "0123", "runtime-x", `x${name(0)}`]) await make(other, "mod.js", 30);
    await using running = new AsyncDisposableStack();
    const hold = async (script: string, ...args: string[]) => {
      const holder = new Deno.Command("/bin/sh", {
        args: ["-c", `${script}; echo held; read line`, ...args],
        cwd: join(cache, name(1)),
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      running.defer(async () => {
        await holder.stdin.close();
        await holder.stdout.cancel();
        await holder.status;
      });
      const reader = holder.stdout.getReader();
      await reader.read();
      reader.releaseLock();
    };
    await hold("exec 9<.; flock -s 9");
    await hold(":", join(cache, `runtime-${name(1)}`, "tsd"), join(cache, name(2), "mod.js"));
    assert.deepEqual(await bench.run({ cache }), WORKS);
    const left = (await Array.fromAsync(Deno.readDir(cache))).map((each) => each.name);
    const removed = [name(0), name(3), name(4), `runtime-${name(2)}`];
    assert.deepEqual(removed.filter((each) => left.includes(each)), []);
    const stays = [1, 2, 5, 6, 7].map(name).concat(`runtime-${name(1)}`, "notes", "0123", "runtime-x", `x${name(0)}`);
    assert.deepEqual(stays.filter((each) => !left.includes(each)), []);
  });

  await t.step("a cache that others could have written to is refused in one line", async () => {
    const refused = async (cache: string, directory: string) => {
      const { code, stderr, stdout } = await bench.run({ cache });
      assert.deepEqual([code, stdout], [125, ""]);
      assert.match(
        stderr,
        /^tsd: will not run code from (.*): it has to be a folder of your own with mode 0700; .*\n$/,
      );
      assert.ok(stderr.includes(directory), stderr);
    };
    await Deno.mkdir(join(bench.dir, "open"));
    await Deno.chmod(join(bench.dir, "open"), 0o755);
    await refused(join(bench.dir, "open"), "open");
    await Deno.symlink(warm, join(bench.dir, "linked"));
    await refused(join(bench.dir, "linked"), "linked");
    const { app, runtime } = await dirsOf(warm);
    await Deno.remove(join(app, "whole")); // So the next start verifies all of it.
    for (const directory of [app, runtime]) {
      await Deno.chmod(directory, 0o770);
      await refused(warm, directory);
      await Deno.chmod(directory, 0o700);
    }
  });

  await t.step("a truncated executable reports that", async () => {
    const program = join(bench.dir, "short");
    await Deno.copyFile(bench.program, program);
    await Deno.truncate(program, 5_000_000);
    const { code, stderr } = await bench.run({ cache: join(bench.dir, "unused"), program });
    assert.equal(code, 125);
    assert.match(stderr, /^tsd: .*\/short is damaged: its size is 5000000, expected \d+\n$/);
  });
});

Deno.test({
  name: "the portable executable and other users, full disks, noexec",
  ...requires("root"),
  fn: async (t) => {
    await using bench = await Bench.create();
    const nobody = 65534;

    await t.step("another user's directory is refused", async () => {
      const cache = join(bench.dir, "foreign");
      await Deno.mkdir(cache, { mode: 0o700 });
      await Deno.chown(cache, nobody, nobody);
      const { code, stderr } = await bench.run({ cache });
      assert.equal(code, 125);
      assert.match(stderr, /^tsd: will not run code from /);
    });

    await t.step("an ordinary user's cache is in the home directory", async () => {
      const home = join(bench.dir, "home");
      await Deno.mkdir(home);
      await Deno.chown(home, nobody, nobody);
      await Deno.chmod(bench.dir, 0o755);
      const env = { HOME: home, TSD_CACHE_DIR: "" };
      assert.deepEqual(await bench.run({ cache: "", uid: nobody, env, cwd: "/" }), WORKS);
      await dirsOf(join(home, ".cache/tsd"));
      const xdg = { ...env, XDG_CACHE_HOME: join(home, "x") };
      assert.deepEqual(await bench.run({ cache: "", uid: nobody, env: xdg, cwd: "/" }), WORKS);
      await dirsOf(join(home, "x/tsd"));
    });

    const onTmpfs = async (options: string, check: (cache: string) => Promise<void>) => {
      const cache = join(bench.dir, "tmpfs");
      await Deno.mkdir(cache);
      await capture("mount", ["-t", "tmpfs", "-o", `mode=700,${options}`, "tsd-test", cache]);
      try {
        await check(cache);
      } finally {
        await capture("umount", [cache]);
        await Deno.remove(cache);
      }
    };

    await t.step(
      "a full disk is reported, and no partial files stay on it",
      () =>
        onTmpfs("size=40m", async (cache) => {
          const { code, stderr } = await bench.run({ cache });
          assert.equal(code, 125);
          assert.match(
            stderr,
            /tsd: cannot unpack into .*, which takes \d+ MB there; TSD_CACHE_DIR names another folder\n$/,
          );
          const sizes = await Promise.all((await filesBelow(cache)).map(async (file) => (await Deno.stat(file)).size));
          assert.ok(sizes.every((size) => size < 1_000_000), sizes.join(" "));
        }),
    );

    await t.step("an unwritable cache is reported", () =>
      onTmpfs("size=40m,ro", async (cache) => {
        const { code, stderr } = await bench.run({ cache });
        assert.equal(code, 125);
        assert.match(stderr, /^tsd: cannot write to the cache folder .*; set TSD_CACHE_DIR to another one\n$/);
      }));

    await t.step("a noexec file system is reported", () =>
      onTmpfs("size=200m,noexec", async (cache) => {
        const { code, stderr } = await bench.run({ cache });
        assert.equal(code, 125);
        assert.match(stderr, /^tsd: cannot run programs from .* \(is it mounted noexec\?\); set TSD_CACHE_DIR\n$/);
      }));
  },
});

/**
 * Modules that may load the engine's files: the engine, the host of a plugin, the commands that look for its process,
 * and those that copy to and from the host's files by system calls.
 */
const OWN_WAYS = /^(?:serve|confinement|control|copy_from|copy_to|output_file)-/;

Deno.test("dist/tsd: the client's files have no node:http, no engine and no container in them", async () => {
  const bundleDir = `${EXECUTABLE}.bundle`;
  const outside = new Set<string>();
  const files = ["mod.js"];
  for (const file of files) { // the set grows during the loop
    const code = await Deno.readTextFile(join(bundleDir, file));
    for (const [, specifier] of code.matchAll(/\b(?:from|import)\s*(?:\(\(0,)?"([^"]+)"/g)) {
      const name = specifier.replace(/^\.\//, "");
      if (name === specifier) outside.add(name);
      else if (name.endsWith(".js") && !files.includes(name) && !OWN_WAYS.test(name)) files.push(name);
    }
  }
  assert.ok(files.some((file) => file.startsWith("run-")), files.join(" "));
  const heavy = /^node:(?:http|https|module|sqlite|zlib|child_process|worker_threads)$/;
  assert.deepEqual([...outside].filter((name) => heavy.test(name)), []);
  for (const file of files) {
    const code = await Deno.readTextFile(join(bundleDir, file));
    assert.ok(!/dlopen|new Worker\(/.test(code), `${file} has parts of the engine in it`);
  }
});

const denort = Deno.env.get("DENORT_BIN");
Deno.test({
  name: "the compiled form works like the portable one (needs DENORT_BIN)",
  ignore: denort === undefined,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      await writeFake(join(dir, "project"));
      const output = join(dir, "out/tsd");
      await compile({ form: "compiled", output, projectDir: join(dir, "project") });
      assert.ok(await exists(output));
      const { text } = await capture(output, ["daemon"]);
      const workers = Object.values(WORKER_ENTRIES).map((source) => `${source} compiled\n`);
      assert.equal(text, `function\n${workers.join("")}`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
