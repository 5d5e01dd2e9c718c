/** Terminal sessions with tsd's client and with docker's. */
import { strict as assert } from "node:assert";
import type { Screen } from "../harness/mod.ts";
import { runCommand } from "../harness/mod.ts";
import type { Fixture, Step } from "./setup.ts";

/** The client under test; both are variables of the shell. */
export type Client = "tsd" | "docker";

/** Saves the terminal's modes; {@link assertSameModes} checks that they are restored. */
const REMEMBER = "stty -g >modes";

async function assertSameModes(screen: Screen): Promise<void> {
  await screen.line("stty -g | cmp - modes && echo same-modes-$((1+1))");
  await screen.see(/^same-modes-2$/m);
}

/** Waits for the prompt of the shell in the container. */
const PROMPT = /^\/ # /m;

/** Makes the container's shell print something other than the typed text. */
async function say(screen: Screen, text: string): Promise<void> {
  await screen.line(`echo ${text}-$((40+2))`);
  await screen.see(new RegExp(`^${text}-42$`, "m"));
}

/**
 * Makes the container's shell wait for Enter. At its prompt it asks the terminal for the cursor's position (`ESC [ 6
 * n`). If the client exits just then, the outer shell would read the answer as typed input.
 */
async function pauseShell(screen: Screen): Promise<void> {
  await screen.line("echo paused-$((40+2)); read _");
  await screen.see(/^paused-42$/m);
}

async function isRunning(fixture: Fixture, name: string): Promise<boolean> {
  const { State } = (await fixture.engine.api.get(`/containers/${name}/json`)).json<{ State: { Running: boolean } }>();
  return State.Running;
}

const modesOf = async (screen: Screen) =>
  (await runCommand("stty", ["-a", "-F", await screen.device()])).stdout.split(/[\s;]+/);

/** Starts a client in a screen; the returned function gives its PID. */
async function clientWithPid(fixture: Fixture, screen: Screen, command: string): Promise<() => Promise<number>> {
  await Deno.writeTextFile(`${fixture.dir}/client.pid`, "");
  await screen.line(`sh -c 'echo $$ >client.pid; exec ${command}'; echo code=$?`);
  return async () => {
    await fixture.until("the client's pid", async () => (await readPid(fixture)) > 0);
    return await readPid(fixture);
  };
}

const readPid = async (fixture: Fixture) =>
  Number(await Deno.readTextFile(`${fixture.dir}/client.pid`).catch(() => "0"));

/** Starts a detached shell with a terminal and an open standard input. */
async function shellInBackground(fixture: Fixture, name: string): Promise<void> {
  await fixture.background(name, ["sh"], ["-it"]);
}

/** Returns the steps that both clients must pass. */
export function terminalSteps(client: Client): Record<string, Step> {
  const $ = `$${client}`;
  const run = `${$} run --network none`;
  return {
    "run -it: echo, resizing, Ctrl-C, raw mode, exit code, restored modes": async (fixture) => {
      await using screen = await fixture.screen();
      await screen.line(REMEMBER);
      await screen.line(`${run} --rm -it $image sh; echo code=$?`);
      await screen.see(PROMPT);
      await screen.line("stty size; echo $TERM; tty");
      await screen.see(/^24 80\nxterm\n\/dev\/pts\/0$/m);
      await screen.line('until [ "$(stty size)" = "30 100" ]; do sleep 0.05; done; echo size-$((40+2))');
      await screen.resize(100, 30);
      await screen.see(/^size-42$/m);
      const modes = await modesOf(screen);
      for (const off of ["-icanon", "-isig", "-echo", "-opost"]) assert.ok(modes.includes(off), `${off} ${modes}`);
      await screen.line("sh -c 'echo up-$((40+2)); sleep 1000'; echo sleep-ended-$?");
      await screen.see(/^up-42$/m);
      await screen.press("C-c");
      await say(screen, "back");
      await screen.line("exit 7");
      await screen.see(/^code=7$/m);
      await assertSameModes(screen);
    },
    "Ctrl-P Ctrl-Q detaches; attach reconnects and gets the exit code": async (fixture) => {
      await using screen = await fixture.screen();
      await screen.line(REMEMBER);
      await screen.line(`${run} -it --name left $image sh; echo code=$?`);
      await screen.see(PROMPT);
      await screen.line("x=kept");
      await pauseShell(screen);
      await screen.press("C-p", "C-q");
      await screen.see(/code=0$/m);
      await assertSameModes(screen);
      assert.equal(await isRunning(fixture, "left"), true);
      await screen.clear();
      await screen.line(`${$} attach left; echo code=$?`);
      // The screen stays empty until a key makes the shell print its prompt.
      await screen.press("Enter");
      await screen.see(PROMPT);
      await screen.line("echo $x-$((40+2))");
      await screen.see(/^kept-42$/m);
      await pauseShell(screen);
      await screen.press("C-p", "C-q");
      await screen.see(/read escape sequence\ncode=1$/m);
      assert.equal(await isRunning(fixture, "left"), true);
      await screen.clear();
      await screen.line(`${$} attach left; echo code=$?`);
      await screen.press("Enter");
      await screen.see(PROMPT);
      await screen.line("exit 3");
      await screen.see(/^code=3$/m);
      await assertSameModes(screen);
      await fixture.remove("left");
    },
    "--detach-keys": async (fixture) => {
      await using screen = await fixture.screen();
      await screen.line(`${run} -it --name keys --detach-keys ctrl-a,x $image sh; echo code=$?`);
      await screen.see(PROMPT);
      await screen.press("C-p", "C-q");
      await say(screen, "still");
      await screen.press("C-a", "x");
      await screen.see(/code=0$/m);
      assert.equal(await isRunning(fixture, "keys"), true);
      await fixture.remove("keys");
    },
    "start -ai: detach keys, exit code": async (fixture) => {
      await shellInBackground(fixture, "again");
      await fixture.tsd("kill", "again");
      await using screen = await fixture.screen();
      await screen.line(`${$} start -ai again; echo code=$?`);
      await screen.see(PROMPT);
      await screen.line("stty size");
      await screen.see(/^24 80$/m);
      await pauseShell(screen);
      await screen.press("C-p", "C-q");
      await screen.see(/code=0$/m);
      assert.equal(await isRunning(fixture, "again"), true);
      await screen.clear();
      await screen.line(`${$} start -ai again; echo code=$?`);
      await screen.press("Enter");
      await screen.see(PROMPT);
      await screen.line("exit 5");
      await screen.see(/^code=5$/m);
      await fixture.remove("again");
    },
    "two clients see the same output; one detaches, the other continues": async (fixture) => {
      await shellInBackground(fixture, "both");
      await using first = await fixture.screen();
      await using second = await fixture.screen();
      for (const screen of [first, second]) {
        await screen.line(`${$} attach both; echo code=$?`);
        await screen.press("Enter");
        await screen.see(PROMPT);
      }
      await say(first, "one");
      await second.see(/^one-42$/m);
      await say(second, "two");
      await first.see(/^two-42$/m);
      await first.press("C-p", "C-q");
      await first.see(/^code=1$/m);
      await say(second, "three");
      assert.ok(!(await first.text()).includes("three-42"));
      await second.line("exit 4");
      await second.see(/^code=4$/m);
      await fixture.remove("both");
    },
    "a missing command: the modes are restored": async (fixture) => {
      await using screen = await fixture.screen();
      await screen.line(REMEMBER);
      await screen.line(`${run} --rm -it $image nope; echo code=$?`);
      await screen.see(/executable file not found in \$PATH/);
      await screen.see(/^code=127$/m);
      await assertSameModes(screen);
      await fixture.background("host");
      await screen.clear();
      await screen.line(`${$} exec -it host nope; echo code=$?`);
      await screen.see(/executable file not found in \$PATH/);
      await screen.see(/code=127$/m);
      await assertSameModes(screen);
      await fixture.remove("host");
    },
    "exec -it: size, separate terminal, exit code; detaching leaves it running": async (fixture) => {
      await fixture.background("host");
      await using screen = await fixture.screen();
      await screen.line(REMEMBER);
      await screen.line(`${$} exec -it host sh; echo code=$?`);
      await screen.see(PROMPT);
      await screen.line('echo $TERM; until [ "$(stty size)" = "20 60" ]; do sleep 0.05; done; stty size');
      await screen.see(/^xterm$/m);
      await screen.resize(60, 20);
      await screen.see(/^20 60$/m);
      await screen.line("exit 9");
      await screen.see(/^code=9$/m);
      await assertSameModes(screen);
      await screen.line(
        `clear; ${$} exec -it --detach-keys ctrl-e host sh -c 'touch /there; sleep 1000; true'; echo code=$?`,
      );
      await fixture.until(
        "its file",
        async () => (await fixture.tsd("exec", "host", "test", "-e", "/there")).code === 0,
      );
      await screen.press("C-e");
      await screen.see(/read escape sequence\ncode=1$/m);
      await assertSameModes(screen);
      const { stdout } = await fixture.tsd("exec", "host", "sh", "-c", "ps -o args | grep -c '[t]ouch'");
      assert.equal(stdout, "1\n");
      await fixture.remove("host");
    },
    "killing a client affects nothing else; the container can be attached to again": async (fixture) => {
      await using lost = await fixture.screen();
      const pid = await clientWithPid(fixture, lost, `${run} -it --name alone $image sh`);
      await lost.see(PROMPT);
      await lost.line("x=here");
      await say(lost, "set");
      Deno.kill(await pid(), "SIGKILL");
      await lost.see("code=137");
      assert.equal(await isRunning(fixture, "alone"), true);
      await using screen = await fixture.screen();
      await screen.line(`${$} attach alone; echo code=$?`);
      await screen.press("Enter");
      await screen.see(PROMPT);
      await screen.line("echo $x-$((40+2)); exit 6");
      await screen.see(/^here-42$/m);
      await screen.see(/^code=6$/m);
      await fixture.remove("alone");
    },
    "the terminal survives an engine that is killed": async (fixture) => {
      await using screen = await fixture.screen();
      await screen.line(REMEMBER);
      await screen.line(`${run} -it --name outlives $image sh; echo code=$?`);
      await screen.see(PROMPT);
      await screen.line("x=still");
      await say(screen, "before");
      await pauseShell(screen);
      await fixture.engine.stop("SIGKILL");
      // A client that waits for the next engine sends the size after it reconnects.
      if (client === "tsd") await screen.resize(90, 20);
      await fixture.engine.start();
      if (client === "docker") {
        await screen.see(/code=\d+$/m);
        await assertSameModes(screen);
        await screen.clear();
        await screen.line("$docker attach outlives; echo code=$?");
        await screen.resize(90, 20);
      }
      await screen.press("Enter");
      await screen.line("echo $x-$((40+2))");
      await screen.see(/^still-42$/m);
      await screen.line('until [ "$(stty size)" = "20 90" ]; do sleep 0.05; done; echo size-$((40+2))');
      await screen.see(/^size-42$/m);
      await screen.line("exit 8");
      await screen.see(/^code=8$/m);
      await assertSameModes(screen);
      await fixture.remove("outlives");
    },
  };
}

/** Reports whether a process has exited, or is a zombie. */
async function hasEnded(pid: number): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return status === "" || /\) Z /.test(status);
}

/** Steps that docker's client does not pass. */
export const OWN_STEPS: Record<string, Step> = {
  "a client that gets SIGTERM restores the terminal": async (fixture) => {
    await using screen = await fixture.screen();
    await screen.line(REMEMBER);
    const pid = await clientWithPid(fixture, screen, "$tsd run --network none -it --name asked $image sh");
    await screen.see(PROMPT);
    await pauseShell(screen);
    Deno.kill(await pid(), "SIGTERM");
    await screen.see(/code=143$/m);
    await assertSameModes(screen);
    await fixture.remove("asked");
  },
  "closing a window ends its client, and nothing else": async (fixture) => {
    let pid = 0;
    {
      await using screen = await fixture.screen();
      const pidOf = await clientWithPid(fixture, screen, "$tsd run --network none -it --name window $image sh");
      await screen.see(PROMPT);
      await screen.line("x=open");
      await say(screen, "set");
      pid = await pidOf();
    }
    await fixture.until("the client's end", () => hasEnded(pid));
    await using screen = await fixture.screen();
    await screen.line("$tsd attach window; echo code=$?");
    await screen.press("Enter");
    await screen.see(PROMPT);
    await screen.line("echo $x-$((40+2))");
    await screen.see(/^open-42$/m);
    await fixture.remove("window");
  },
  "stopping the engine ends the client and restores the terminal; another can attach later": async (
    fixture,
  ) => {
    await using screen = await fixture.screen();
    await screen.line(REMEMBER);
    await screen.line("$tsd run --network none -it --name waits $image sh; echo code=$?");
    await screen.see(PROMPT);
    await screen.line("x=waited");
    await say(screen, "before");
    await pauseShell(screen);
    await fixture.engine.stop();
    await screen.see(/code=125$/m);
    await assertSameModes(screen);
    await fixture.engine.start();
    await screen.clear();
    await screen.line("$tsd attach waits; echo code=$?");
    await screen.press("Enter");
    await screen.see(PROMPT);
    await screen.line("echo $x-$((40+2)); exit 2");
    await screen.see(/^waited-42$/m);
    await screen.see(/^code=2$/m);
    await fixture.remove("waits");
  },
};
