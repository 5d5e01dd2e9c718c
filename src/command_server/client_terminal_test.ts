import { strict as assert } from "node:assert";
import { NeedsProcessError } from "../cli/mod.ts";
import { type ClientInfo, ClientTerminal, type Output } from "./client_terminal.ts";

/** Records what a terminal writes and notifies. */
class Setup {
  readonly reported: string[] = [];
  readonly writes: string[] = [];
  readonly terminal: ClientTerminal;
  ignored: Deno.Signal | undefined;

  constructor(size?: Output["size"]) {
    const output = (name: string, size?: Output["size"]): Output => ({
      size,
      write: (bytes) => Promise.resolve(void this.writes.push(`${name} ${new TextDecoder().decode(bytes)}`)),
    });
    const client: ClientInfo = {
      cwd: "/home/caller",
      env: (name) => name === "HOME" ? "/home/caller" : undefined,
      ageMs: () => 42,
      ignores: (signals) => signals.some((signal) => signal === this.ignored),
      outputs: { stdout: output("stdout", size), stderr: output("stderr") },
    };
    this.terminal = new ClientTerminal(client, (line) => this.reported.push(line));
  }
}

Deno.test("text and bytes are written to their stream", async () => {
  const setup = new Setup();
  await setup.terminal.out("one");
  await setup.terminal.err(new Uint8Array([50]));
  assert.deepEqual(setup.writes, ["stdout one", "stderr 2"]);
});

Deno.test("signals: the client is told to catch them, and handlers get them until disposed", () => {
  const setup = new Setup();
  const received: string[] = [];
  assert.equal(setup.terminal.handlesSignals, false);
  const handling = setup.terminal.onSignal(["SIGINT", "SIGUSR1"], (signal) => received.push(signal));
  assert.deepEqual(setup.reported, ["catch INT USR1"]);
  assert.equal(setup.terminal.handlesSignals, true);
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR1"] as const) setup.terminal.signalled(signal);
  handling[Symbol.dispose]();
  setup.terminal.signalled("SIGINT");
  assert.deepEqual(received, ["SIGINT", "SIGUSR1"]);
  assert.equal(setup.terminal.handlesSignals, false);
});

Deno.test("signals: a client that ignores them runs the command itself", () => {
  const setup = new Setup();
  setup.ignored = "SIGINT";
  setup.terminal.needSignals(["SIGHUP", "SIGTERM"]);
  assert.equal(setup.terminal.leaves, false);
  assert.throws(() => setup.terminal.needSignals(["SIGHUP", "SIGINT"]), NeedsProcessError);
  setup.ignored = "SIGQUIT";
  setup.terminal.needSignals(["SIGINT", "SIGQUIT"]);
  assert.equal(setup.terminal.leaves, true);
});

Deno.test("a command that needs a process writes nothing more here", async () => {
  const uses: ((terminal: ClientTerminal) => unknown)[] = [
    (terminal) => terminal.stdin,
    (terminal) => terminal.isTty("stdin"),
    (terminal) => terminal.setRaw(),
    (terminal) => terminal.needProcess(),
  ];
  for (const use of uses) {
    const setup = new Setup();
    assert.throws(() => use(setup.terminal), NeedsProcessError);
    assert.equal(setup.terminal.leaves, true);
    await setup.terminal.err("The engine closed the connection");
    assert.deepEqual([setup.writes, setup.reported], [[], []]);
  }
});

Deno.test("a command is resumed by words that a shell takes literally", () => {
  const setup = new Setup();
  setup.terminal.resumeAs(["__resume", "--rm=true", "run", "c0ffee"]);
  assert.deepEqual(setup.reported, ["resume __resume --rm=true run c0ffee"]);
  for (const odd of ["", "a b", "$x", "*", "`x`", "a\nexit 0", "'", "ä", "a;b", "~"]) {
    assert.throws(() => setup.terminal.resumeAs(["__resume", odd]), /Nothing that a shell would take as it is/, odd);
  }
  assert.equal(setup.reported.length, 1);
});

Deno.test("the client's environment, directory and terminal", () => {
  const setup = new Setup();
  const { terminal } = setup;
  assert.deepEqual([terminal.cwd(), terminal.env("HOME"), terminal.env("PATH")], [
    "/home/caller",
    "/home/caller",
    undefined,
  ]);
  assert.equal(terminal.clientAgeMs(), 42);
  assert.equal(terminal.host, terminal);
  assert.deepEqual([terminal.size(), terminal.isTty("stdout"), terminal.isTty("stderr")], [undefined, false, false]);
  const size = { rows: 24, columns: 80 };
  const onTerminal = new Setup(size).terminal;
  assert.deepEqual([onTerminal.size(), onTerminal.isTty("stdout"), onTerminal.isTty("stderr")], [size, true, false]);
});
