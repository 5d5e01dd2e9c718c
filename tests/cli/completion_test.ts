/** Shell completion in real shells, by the Tab key as a user would. */
import { strict as assert } from "node:assert";
import { executable, type Screen } from "../harness/mod.ts";
import { type Fixture, scenario } from "./setup.ts";

/** Types a line and Tab, waits for the completed line, and clears it. */
async function completes(screen: Screen, typed: string, completed: string): Promise<void> {
  await screen.type(typed);
  await screen.press("Tab");
  await screen.see(`> ${completed}`);
  await screen.press("C-u");
}

async function shellSteps(fixture: Fixture, screen: Screen): Promise<void> {
  await completes(screen, "tsd versi", "tsd version ");
  await completes(screen, "tsd container resta", "tsd container restart ");
  await completes(screen, "tsd ps --no-tr", "tsd ps --no-trunc ");
  await completes(screen, "tsd run --restart unl", "tsd run --restart unless-stopped ");
  await completes(screen, "tsd stop comple", "tsd stop completed-box ");
  const [repository] = fixture.image.split("/busybox");
  await completes(screen, `tsd rmi ${repository}/busybox:l`, `tsd rmi ${repository}/busybox:latest `);
  await completes(screen, "tsd run --env-file ./some-fi", "tsd run --env-file ./some-file.env ");
}

/** Starts a shell in the screen, with tsd in its PATH. */
async function startShell(screen: Screen, command: string): Promise<void> {
  const dir = executable().replace(/\/[^/]+$/, "");
  await screen.line(`PATH=${dir}:$PATH ${command}`);
}

scenario("completion", {
  "bash, zsh and fish": async (fixture) => {
    await fixture.background("completed-box");
    await Deno.writeTextFile(`${fixture.dir}/some-file.env`, "");
    {
      await using screen = await fixture.screen();
      await startShell(screen, "PS1='bash> ' bash --norc");
      await screen.line("source <(tsd completion bash); echo ready-$((1+1))");
      await screen.see("ready-2");
      await shellSteps(fixture, screen);
    }
    {
      await using screen = await fixture.screen();
      await startShell(screen, "PS1='zsh> ' zsh -f");
      await screen.line("autoload -Uz compinit; compinit -u -D; source <(tsd completion zsh); echo ready-$((1+1))");
      await screen.see("ready-2");
      await shellSteps(fixture, screen);
    }
    // fish can print what it would offer.
    const offered = async (line: string) => {
      const script = `PATH=${executable().replace(/\/[^/]+$/, "")}:$PATH exec fish --no-config -c '` +
        `tsd completion fish | source; complete -C "${line}"'`;
      const { code, stdout, stderr } = await fixture.shell(script);
      assert.deepEqual([code, stderr], [0, ""], line);
      return stdout.split("\n").filter((text) => text !== "").map((text) => text.split("\t")[0]);
    };
    assert.deepEqual(await offered("tsd versi"), ["version"]);
    assert.deepEqual(await offered("tsd ps --no-tr"), ["--no-trunc"]);
    assert.deepEqual(await offered("tsd stop comple"), ["completed-box"]);
    assert.deepEqual(await offered("tsd run --restart unl"), ["unless-stopped"]);
    assert.deepEqual(await offered("tsd run --env-file some-fi"), ["some-file.env"]);
    await fixture.remove("completed-box");
  },
});
