/** Tests of clients that exit while their commands run. */
import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import type { InProcessApi, InProcessRequest, InProcessResponse } from "../api/http/in_process_api.ts";
import { LineLog } from "../log.ts";
import { Epoll } from "../sys/mod.ts";
import { until } from "../../tests/engine/setup.ts";
import { SeatedShell, type ShellOptions } from "../../tests/command_server/shell_client.ts";
import { requires } from "../../tests/requires.ts";
import { ServedCommands } from "./served_commands.ts";

const BUILD = "0123456789abcdef0123456789abcdef";
const NO_CONTENT: InProcessResponse = {
  ...{ status: 204, headers: new Map() },
  body: { async *[Symbol.asyncIterator]() {} },
  giveUp() {},
};

/** A pending request. */
interface Question {
  readonly url: string;
  answer(): void;
}

interface Setup {
  readonly served: ServedCommands;
  readonly questions: readonly Question[];
  readonly log: readonly string[];
  readonly claimPath: string;
  /** Starts a shell that claims the first slot and sends a call. */
  ask(args: readonly string[], options?: ShellOptions): Promise<SeatedShell>;
  /** Starts a shell that only claims the slot. */
  sit(): Promise<SeatedShell>;
}

async function withCommandServer(use: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-serving-" });
  try {
    const log: string[] = [];
    const questions: Question[] = [];
    const api: Pick<InProcessApi, "answer"> = {
      answer: ({ url = "" }: InProcessRequest) =>
        new Promise((resolve) => questions.push({ url, answer: () => resolve(NO_CONTENT) })),
    };
    await using epoll = new Epoll({ onHandlerError: (thrown) => log.push(String(thrown)) });
    void epoll.run();
    const socketPath = `${dir}/tsd.sock`;
    await using served = new ServedCommands({
      ...{ dir: `${dir}/calls`, api: api as InProcessApi, socketPath, build: BUILD, epoll },
      log: new LineLog((line) => log.push(line)),
    });
    const claimPath = `${dir}/calls/seat.0`;
    const env = { TSD_HOST: `unix://${socketPath}` };
    const ask: Setup["ask"] = (args, options) =>
      SeatedShell.asking(dir, { claimPath }, BUILD, { args, env, ...options });
    await use({ served, questions, log, claimPath, ask, sit: () => SeatedShell.start(dir, { claimPath }) });
    await until("the last command's end", () => served.active === 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const isFree = async (claimPath: string): Promise<boolean> => {
  try {
    await Deno.lstat(claimPath);
    return false;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return true;
    throw thrown;
  }
};

Deno.test(
  "a command writes to the client's streams, and its exit code to the slot",
  requires("root"),
  () =>
    withCommandServer(async ({ questions, claimPath, ask }) => {
      await using shell = await ask(["stop", "web"]);
      await until("the question", () => questions.length === 1);
      assert.match(questions[0]!.url, /\/containers\/web\/stop/);
      questions[0]!.answer();
      await shell.says("exit 0");
      assert.deepEqual(await shell.end(), { stdout: "web\nexit 0\n", stderr: "" });
      await until("a free seat", () => isFree(claimPath));
    }),
);

Deno.test(
  "a command that finishes after its client exited sends nothing to the slot's next client",
  requires("root"),
  () =>
    withCommandServer(async ({ served, questions, claimPath, ask, sit }) => {
      const killed = await ask(["stop", "web"]);
      await until("the question", () => questions.length === 1);
      await killed.end();
      await until("a free seat", () => isFree(claimPath));
      await using silent = await sit();
      questions[0]!.answer();
      await until("the end of the command", () => served.active === 0);
      assert.deepEqual(await silent.end(), { stdout: "", stderr: "" });
    }),
);

Deno.test(
  "the next client of a slot gets its own command's result",
  requires("root"),
  () =>
    withCommandServer(async ({ served, questions, claimPath, ask }) => {
      const killed = await ask(["rm", "one"]);
      await until("the question", () => questions.length === 1);
      await killed.end();
      await until("a free seat", () => isFree(claimPath));
      await using next = await ask(["stop", "two"]);
      await until("its question", () => questions.length === 2);
      assert.equal(served.active, 2);
      questions[0]!.answer();
      await until("the end of the first", () => served.active === 1);
      questions[1]!.answer();
      await next.says("exit 0");
      assert.deepEqual(await next.end(), { stdout: "two\nexit 0\n", stderr: "" });
    }),
);

Deno.test(
  "a client whose streams can't be written gets a failure exit code",
  requires("root"),
  () =>
    withCommandServer(async ({ questions, log, ask }) => {
      await using shell = await ask(["stop", "web"], { first: "exec 6>/dev/full 7>/dev/full" });
      await until("the question", () => questions.length === 1);
      questions[0]!.answer();
      await shell.says("exit 1");
      assert.match(
        log.join("\n"),
        /warn engine: a caller's command error="Error: No space left on device \(os error 28\)"/,
      );
    }),
);

Deno.test(
  "refused: other commands, other engines, after shutdown",
  requires("root"),
  () =>
    withCommandServer(async ({ served, claimPath, ask }) => {
      const cases: [string[], ShellOptions?][] = [
        [["logs", "web"]],
        [["exec", "-i", "web", "sh"]],
        [["ps"], { env: { TSD_HOST: "unix:///run/other.sock" } }],
        [["ps"], { env: {} }],
        [["-H", "tcp://127.0.0.1:1", "ps"]],
      ];
      for (const [args, options] of cases) {
        await using shell = await ask(args, options);
        await shell.says("no");
        assert.deepEqual(await shell.end(), { stdout: "no\n", stderr: "" }, args.join(" "));
        await until("a free seat", () => isFree(claimPath));
      }
      served.leave();
      await using late = await ask(["version"]);
      await late.says("no");
    }),
);

Deno.test(
  "help and usage errors are written to the client's streams",
  requires("root"),
  () =>
    withCommandServer(async ({ claimPath, ask }) => {
      await using wrong = await ask(["exec"]);
      await wrong.says("exit 1");
      const { stdout, stderr } = await wrong.end();
      assert.equal(stdout, "exit 1\n");
      assert.match(stderr, /^tsd: 'tsd exec' requires at least 2 arguments\nSee 'tsd exec --help'.\n$/);
      await until("a free seat", () => isFree(claimPath));
      await using help = await ask(["ps", "--help"]);
      await help.says("exit 0");
      assert.match((await help.end()).stdout, /^Usage: {2}tsd ps/);
    }),
);
