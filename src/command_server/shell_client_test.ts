import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { Epoll } from "../sys/mod.ts";
import { SeatedShell, type ShellOptions } from "../../tests/command_server/shell_client.ts";
import { requires } from "../../tests/requires.ts";
import { type Call, ShellClient } from "./shell_client.ts";
import { type Slot, Slots } from "./slots.ts";
import { HandEpoll } from "./command_server_testing.ts";

const BUILD = "0123456789abcdef0123456789abcdef";

interface Setup {
  readonly dir: string;
  readonly slot: Slot;
  readonly epoll: Epoll;
  start(options?: ShellOptions): Promise<SeatedShell>;
  client(shell: { pid: number }, call?: Partial<Call>): ShellClient | undefined;
}

async function withSlot(use: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-caller-" });
  try {
    const failures: unknown[] = [];
    await using epoll = new Epoll({ onHandlerError: (thrown) => failures.push(thrown) });
    void epoll.run();
    using slots = new Slots(`${dir}/calls`, new HandEpoll(), () => {});
    const slot = slots.all[0]!;
    const start = (options?: ShellOptions) => SeatedShell.start(dir, slot, options);
    const client = ({ pid }: { pid: number }, call: Partial<Call> = {}) =>
      ShellClient.of({ kind: "call", slot, pid, count: 0, build: BUILD, ...call }, BUILD, epoll);
    await use({ dir, slot, epoll, start, client });
    assert.equal(epoll.size, 0);
    assert.deepEqual(failures, []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test(
  "client: arguments, directory, environment, age and exit of a process",
  requires("root"),
  () =>
    withSlot(async ({ dir, epoll, start, client }) => {
      const args = ["exec", "", "-e", "A=ü b\nc", "$x"];
      const env = { EMPTY: "", ODD: "a=b\nc", "WITH.DOT": "1" };
      await using shell = await start({ args, env, cwd: dir });
      using found = client(shell, { count: args.length });
      assert.ok(found !== undefined);
      assert.deepEqual(found.args, args);
      assert.equal(found.cwd, dir);
      assert.equal(found.pid, shell.pid);
      for (const [name, value] of Object.entries(env)) assert.equal(found.env(name), value, name);
      assert.equal(found.env("PATH"), undefined);
      assert.ok(found.ageMs() >= 0 && found.ageMs() < 60_000);
      assert.equal(found.ignores(["SIGINT", "SIGTERM"]), false);
      assert.equal(epoll.size, 1);
      const disconnected = new Promise((resolve) => found.disconnected.addEventListener("abort", resolve));
      await shell.end();
      await disconnected;
      found[Symbol.dispose]();
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "client: no arguments, and ignored signals",
  requires("root"),
  () =>
    withSlot(async ({ start, client }) => {
      await using shell = await start({ through: ["sh", "-c", `trap "" INT HUP; exec "$@"`, "sh"] });
      using found = client(shell);
      assert.deepEqual(found?.args, []);
      const ignored = (["SIGINT", "SIGHUP", "SIGTERM"] as const).map((signal) => found?.ignores([signal]));
      assert.deepEqual(ignored, [true, true, false]);
      assert.equal(found?.ignores(["SIGTERM", "SIGHUP"]), true);
    }),
);

Deno.test(
  "client: its streams share the open file descriptions",
  requires("root"),
  () =>
    withSlot(async ({ dir, start, client }) => {
      // Opened once without O_APPEND: a separate offset would overwrite earlier output.
      await using shell = await start({ first: `exec 6>${dir}/both 7>&6; echo first >&6` });
      using found = client(shell);
      for (const name of ["stdout", "stderr"] as const) {
        await found!.outputs[name].write(new TextEncoder().encode(`${name}\n`));
      }
      assert.equal(await Deno.readTextFile(`${dir}/both`), "first\nstdout\nstderr\n");
    }),
);

Deno.test(
  "client: one without streams runs the command itself",
  requires("root"),
  () =>
    withSlot(async ({ start, client, epoll }) => {
      await using shell = await start({ first: "exec 6>&-" });
      assert.equal(client(shell), undefined);
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "refused: not in the slot, another build, or exited",
  requires("root"),
  () =>
    withSlot(async ({ dir, slot, epoll, start, client }) => {
      await using shell = await start({ args: ["version"] });
      assert.equal(client(shell, { build: BUILD.replace("0", "f") }), undefined);
      // Another process's number, as a client in another PID namespace would send.
      assert.equal(client({ pid: Deno.pid }), undefined);
      assert.equal(client({ pid: 2 ** 22 + 1 }), undefined);
      assert.equal(client({ pid: 0 }), undefined);
      await shell.end();
      assert.equal(client(shell), undefined);
      await using elsewhere = await start({ answers: slot.claimPath.replace("seat.0", "answer.1") });
      assert.equal(client(elsewhere), undefined);
      await Deno.writeTextFile(`${dir}/file`, "");
      await using file = await start({ answers: `${dir}/file` });
      assert.equal(client(file), undefined);
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "refused: not root, or in another mount or user namespace",
  requires("root"),
  () =>
    withSlot(async ({ dir, start, client }) => {
      // Only root can open a slot, but may drop its rights later.
      const others = [
        ["setpriv", "--reuid", "65534", "--clear-groups"],
        ["unshare", "--mount"],
        ["unshare", "--user", "--map-root-user"],
      ];
      await Deno.chmod(dir, 0o755);
      for (const through of others) {
        await using shell = await start({ through, answers: "/dev/null" }).catch((cause) => {
          throw new Error(through.join(" "), { cause });
        });
        // The slot itself is not tested here.
        const slot = { isAt: () => true } as unknown as Slot;
        assert.equal(client(shell, { slot }), undefined, through.join(" "));
      }
    }),
);

Deno.test(
  "refused: a wrong number of arguments, or a removed working directory",
  requires("root"),
  () =>
    withSlot(async ({ dir, epoll, start, client }) => {
      await using shell = await start({ args: ["ps", "-a"] });
      assert.throws(() => client(shell, { count: 3 }), /was not started with 3 arguments/);
      assert.equal(epoll.size, 0);
      await Deno.mkdir(`${dir}/gone`);
      await using homeless = await start({ cwd: `${dir}/gone` });
      await Deno.remove(`${dir}/gone`);
      assert.equal(client(homeless), undefined);
    }),
);

Deno.test(
  "missing: a slot that was claimed some time ago by a process that has exited",
  requires("root"),
  () =>
    withSlot(async ({ slot, start }) => {
      const claim = async (pid: number | string, ageMs: number) => {
        await Deno.writeTextFile(slot.claimPath, `${pid}\n`);
        const at = new Date(Date.now() - ageMs);
        await Deno.utime(slot.claimPath, at, at);
      };
      await using shell = await start();
      assert.equal(ShellClient.isMissing(slot), false);
      await claim(shell.pid, 60_000);
      assert.equal(ShellClient.isMissing(slot), false);
      for (const absent of [2 ** 22 + 1, Deno.pid, ""]) {
        await claim(absent, 0);
        assert.equal(ShellClient.isMissing(slot), false);
        await claim(absent, 60_000);
        assert.equal(ShellClient.isMissing(slot), true);
      }
    }),
);
