import { strict as assert } from "node:assert";
import { NeedsProcessError } from "../cli/mod.ts";
import { type CallerFacts, CallerTerminal, type Output } from "./client_terminal.ts";

/** A terminal that notes what it writes and tells. */
class Rig {
  readonly told: string[] = [];
  readonly writes: string[] = [];
  readonly terminal: CallerTerminal;
  ignored: Deno.Signal | undefined;

  constructor(size?: Output["size"]) {
    const output = (name: string, size?: Output["size"]): Output => ({
      size,
      write: (bytes) => Promise.resolve(void this.writes.push(`${name} ${new TextDecoder().decode(bytes)}`)),
    });
    const caller: CallerFacts = {
      cwd: "/home/caller",
      env: (name) => name === "HOME" ? "/home/caller" : undefined,
      ageMs: () => 42,
      ignores: (signals) => signals.some((signal) => signal === this.ignored),
      outputs: { stdout: output("stdout", size), stderr: output("stderr") },
    };
    this.terminal = new CallerTerminal(caller, (line) => this.told.push(line));
  }
}

Deno.test("writes: text and bytes, each to its stream", async () => {
  const rig = new Rig();
  await rig.terminal.out("one");
  await rig.terminal.err(new Uint8Array([50]));
  assert.deepEqual(rig.writes, ["stdout one", "stderr 2"]);
});

Deno.test("signals: the caller is told to catch them, and handlers hear of them until they are taken back", () => {
  const rig = new Rig();
  const heard: string[] = [];
  assert.equal(rig.terminal.handlesSignals, false);
  const handling = rig.terminal.onSignal(["SIGINT", "SIGUSR1"], (signal) => heard.push(signal));
  assert.deepEqual(rig.told, ["catch INT USR1"]);
  assert.equal(rig.terminal.handlesSignals, true);
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR1"] as const) rig.terminal.signalled(signal);
  handling[Symbol.dispose]();
  rig.terminal.signalled("SIGINT");
  assert.deepEqual(heard, ["SIGINT", "SIGUSR1"]);
  assert.equal(rig.terminal.handlesSignals, false);
});

Deno.test("signals: a caller that was started without them does the command itself", () => {
  const rig = new Rig();
  rig.ignored = "SIGINT";
  rig.terminal.needSignals(["SIGHUP", "SIGTERM"]);
  assert.equal(rig.terminal.leaves, false);
  assert.throws(() => rig.terminal.needSignals(["SIGHUP", "SIGINT"]), NeedsProcessError);
  rig.ignored = "SIGQUIT";
  rig.terminal.needSignals(["SIGINT", "SIGQUIT"]);
  assert.equal(rig.terminal.leaves, true);
});

Deno.test("a command that needs a process says nothing more here", async () => {
  const rigs: ((terminal: CallerTerminal) => unknown)[] = [
    (terminal) => terminal.stdin,
    (terminal) => terminal.isTty("stdin"),
    (terminal) => terminal.setRaw(),
    (terminal) => terminal.needProcess(),
  ];
  for (const use of rigs) {
    const rig = new Rig();
    assert.throws(() => use(rig.terminal), NeedsProcessError);
    assert.equal(rig.terminal.leaves, true);
    await rig.terminal.err("The engine closed the connection");
    assert.deepEqual([rig.writes, rig.told], [[], []]);
  }
});

Deno.test("what goes on with a command is told in words that a shell takes as they are", () => {
  const rig = new Rig();
  rig.terminal.resumeAs(["__resume", "--rm=true", "run", "c0ffee"]);
  assert.deepEqual(rig.told, ["resume __resume --rm=true run c0ffee"]);
  for (const odd of ["", "a b", "$x", "*", "`x`", "a\nexit 0", "'", "ä", "a;b", "~"]) {
    assert.throws(() => rig.terminal.resumeAs(["__resume", odd]), /Nothing that a shell would take as it is/, odd);
  }
  assert.equal(rig.told.length, 1);
});

Deno.test("the caller's own surroundings", () => {
  const rig = new Rig();
  const { terminal } = rig;
  assert.deepEqual([terminal.cwd(), terminal.env("HOME"), terminal.env("PATH")], [
    "/home/caller",
    "/home/caller",
    undefined,
  ]);
  assert.equal(terminal.callerAgeMs(), 42);
  assert.equal(terminal.host, terminal);
  assert.deepEqual([terminal.size(), terminal.isTty("stdout"), terminal.isTty("stderr")], [undefined, false, false]);
  const size = { rows: 24, columns: 80 };
  const onTerminal = new Rig(size).terminal;
  assert.deepEqual([onTerminal.size(), onTerminal.isTty("stdout"), onTerminal.isTty("stderr")], [size, true, false]);
});
