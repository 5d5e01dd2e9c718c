import { strict as assert } from "node:assert";
import { FakeTerminal } from "./terminal_testing.ts";
import { Prompt } from "./prompt.ts";
import { SignalledError } from "./terminal.ts";

Deno.test("a line is read, then a secret without echo", async () => {
  const terminal = new FakeTerminal({ stdin: "me\nse\x7f\x7fpä\x7fässword\rrest" });
  const raw: boolean[] = [];
  terminal.setRaw = (on) => void raw.push(on);
  {
    using prompt = new Prompt(terminal);
    assert.equal(await prompt.line("Username: "), "me");
    assert.equal(await prompt.secret("Password: "), "pässword");
    assert.equal(await prompt.line("More? "), "rest");
    assert.equal(await prompt.line("More? "), undefined);
  }
  assert.equal(terminal.stdout, "Username: Password: \nMore? More? ");
  assert.deepEqual(raw, [true, false]);
});

Deno.test("Ctrl-C at a secret throws SignalledError and restores the terminal", async () => {
  const terminal = new FakeTerminal({ stdin: "half\x03" });
  using prompt = new Prompt(terminal);
  await assert.rejects(prompt.secret("Password: "), SignalledError);
  assert.equal(terminal.raw, false);
});

Deno.test("Ctrl-U clears the input, Ctrl-D ends it", async () => {
  using prompt = new Prompt(new FakeTerminal({ stdin: "wrong\x15right\r\x04" }));
  assert.equal(await prompt.secret(""), "right");
  assert.equal(await prompt.secret(""), undefined);
});
