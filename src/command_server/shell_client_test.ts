import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { Epoll } from "../sys/mod.ts";
import { SeatedShell, type ShellOptions } from "../../tests/command_server/shell_client.ts";
import { requires } from "../../tests/requires.ts";
import { type Call, Caller } from "./shell_client.ts";
import { type Seat, Seats } from "./slots.ts";
import { HandEpoll } from "./command_server_testing.ts";

const BUILD = "0123456789abcdef0123456789abcdef";

interface Rig {
  readonly folder: string;
  readonly seat: Seat;
  readonly epoll: Epoll;
  start(options?: ShellOptions): Promise<SeatedShell>;
  caller(shell: { pid: number }, call?: Partial<Call>): Caller | undefined;
}

async function withSeat(use: (rig: Rig) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tsd-caller-" });
  try {
    const failures: unknown[] = [];
    await using epoll = new Epoll({ onHandlerError: (thrown) => failures.push(thrown) });
    void epoll.run();
    using seats = new Seats(`${folder}/calls`, new HandEpoll(), () => {});
    const seat = seats.all[0]!;
    const start = (options?: ShellOptions) => SeatedShell.start(folder, seat, options);
    const caller = ({ pid }: { pid: number }, call: Partial<Call> = {}) =>
      Caller.of({ kind: "call", seat, pid, count: 0, build: BUILD, ...call }, BUILD, epoll);
    await use({ folder, seat, epoll, start, caller });
    assert.equal(epoll.size, 0);
    assert.deepEqual(failures, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(
  "a caller: arguments, folder, environment, age and end of a process",
  requires("root"),
  () =>
    withSeat(async ({ folder, epoll, start, caller }) => {
      const args = ["exec", "", "-e", "A=ü b\nc", "$x"];
      const env = { EMPTY: "", ODD: "a=b\nc", "WITH.DOT": "1" };
      await using shell = await start({ args, env, cwd: folder });
      using found = caller(shell, { count: args.length });
      assert.ok(found !== undefined);
      assert.deepEqual(found.args, args);
      assert.equal(found.cwd, folder);
      assert.equal(found.pid, shell.pid);
      for (const [name, value] of Object.entries(env)) assert.equal(found.env(name), value, name);
      assert.equal(found.env("PATH"), undefined);
      assert.ok(found.ageMs() >= 0 && found.ageMs() < 60_000);
      assert.equal(found.ignores(["SIGINT", "SIGTERM"]), false);
      assert.equal(epoll.size, 1);
      const gone = new Promise((resolve) => found.gone.addEventListener("abort", resolve));
      await shell.end();
      await gone;
      found[Symbol.dispose]();
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "a caller: no arguments at all, and signals that it was started without",
  requires("root"),
  () =>
    withSeat(async ({ start, caller }) => {
      await using shell = await start({ through: ["sh", "-c", `trap "" INT HUP; exec "$@"`, "sh"] });
      using found = caller(shell);
      assert.deepEqual(found?.args, []);
      const ignored = (["SIGINT", "SIGHUP", "SIGTERM"] as const).map((signal) => found?.ignores([signal]));
      assert.deepEqual(ignored, [true, true, false]);
      assert.equal(found?.ignores(["SIGTERM", "SIGHUP"]), true);
    }),
);

Deno.test(
  "a caller's streams are the very same",
  requires("root"),
  () =>
    withSeat(async ({ folder, start, caller }) => {
      // Opened once, without appending: an offset of one's own would write over what is there.
      await using shell = await start({ first: `exec 6>${folder}/both 7>&6; echo first >&6` });
      using found = caller(shell);
      for (const name of ["stdout", "stderr"] as const) {
        await found!.outputs[name].write(new TextEncoder().encode(`${name}\n`));
      }
      assert.equal(await Deno.readTextFile(`${folder}/both`), "first\nstdout\nstderr\n");
    }),
);

Deno.test(
  "a caller without its streams does the command itself",
  requires("root"),
  () =>
    withSeat(async ({ start, caller, epoll }) => {
      await using shell = await start({ first: "exec 6>&-" });
      assert.equal(caller(shell), undefined);
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "nobody: who doesn't sit there, is of another build, or has ended",
  requires("root"),
  () =>
    withSeat(async ({ folder, seat, epoll, start, caller }) => {
      await using shell = await start({ args: ["version"] });
      assert.equal(caller(shell, { build: BUILD.replace("0", "f") }), undefined);
      // The number of another process, as one from another namespace of processes would say.
      assert.equal(caller({ pid: Deno.pid }), undefined);
      assert.equal(caller({ pid: 2 ** 22 + 1 }), undefined);
      assert.equal(caller({ pid: 0 }), undefined);
      await shell.end();
      assert.equal(caller(shell), undefined);
      await using elsewhere = await start({ answers: seat.claimPath.replace("seat.0", "answer.1") });
      assert.equal(caller(elsewhere), undefined);
      await Deno.writeTextFile(`${folder}/file`, "");
      await using file = await start({ answers: `${folder}/file` });
      assert.equal(caller(file), undefined);
      assert.equal(epoll.size, 0);
    }),
);

Deno.test(
  "nobody: who isn't root, or has other files",
  requires("root"),
  () =>
    withSeat(async ({ folder, start, caller }) => {
      // A seat is root's alone; it may become somebody else later.
      const others = [
        ["setpriv", "--reuid", "65534", "--clear-groups"],
        ["unshare", "--mount"],
        ["unshare", "--user", "--map-root-user"],
      ];
      await Deno.chmod(folder, 0o755);
      for (const through of others) {
        await using shell = await start({ through, answers: "/dev/null" }).catch((cause) => {
          throw new Error(through.join(" "), { cause });
        });
        // What it sits on is not the point here.
        const seat = { isAt: () => true } as unknown as Seat;
        assert.equal(caller(shell, { seat }), undefined, through.join(" "));
      }
    }),
);

Deno.test(
  "nobody: who was not started with so many arguments, or in a folder that is gone",
  requires("root"),
  () =>
    withSeat(async ({ folder, epoll, start, caller }) => {
      await using shell = await start({ args: ["ps", "-a"] });
      assert.throws(() => caller(shell, { count: 3 }), /was not started with 3 arguments/);
      assert.equal(epoll.size, 0);
      await Deno.mkdir(`${folder}/gone`);
      await using homeless = await start({ cwd: `${folder}/gone` });
      await Deno.remove(`${folder}/gone`);
      assert.equal(caller(homeless), undefined);
    }),
);

Deno.test(
  "missing: a seat that was taken some time ago by nobody who is there",
  requires("root"),
  () =>
    withSeat(async ({ seat, start }) => {
      const claim = async (pid: number | string, ageMs: number) => {
        await Deno.writeTextFile(seat.claimPath, `${pid}\n`);
        const at = new Date(Date.now() - ageMs);
        await Deno.utime(seat.claimPath, at, at);
      };
      await using shell = await start();
      assert.equal(Caller.isMissing(seat), false);
      await claim(shell.pid, 60_000);
      assert.equal(Caller.isMissing(seat), false);
      for (const nobody of [2 ** 22 + 1, Deno.pid, ""]) {
        await claim(nobody, 0);
        assert.equal(Caller.isMissing(seat), false);
        await claim(nobody, 60_000);
        assert.equal(Caller.isMissing(seat), true);
      }
    }),
);
