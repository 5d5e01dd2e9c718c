import { strict as assert } from "node:assert";
import { FakeTerminal } from "./fake_terminal.ts";
import { Prompt } from "./prompt.ts";
import { SignalledError } from "./terminal.ts";

Deno.test("a name, then a password that nobody sees", async () => {
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

Deno.test("Ctrl-C at the password ends the program and gives the terminal back", async () => {
  const terminal = new FakeTerminal({ stdin: "half\x03" });
  using prompt = new Prompt(terminal);
  await assert.rejects(prompt.secret("Password: "), SignalledError);
  assert.equal(terminal.raw, false);
});

Deno.test("Ctrl-U begins anew, Ctrl-D ends", async () => {
  using prompt = new Prompt(new FakeTerminal({ stdin: "wrong\x15right\r\x04" }));
  assert.equal(await prompt.secret(""), "right");
  assert.equal(await prompt.secret(""), undefined);
});
