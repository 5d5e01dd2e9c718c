import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

async function withConfig(text: string, argv: readonly string[]) {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/config.json`, text);
    const terminal = new FakeTerminal({ env: { DOCKER_CONFIG: dir } });
    const row = { Id: "f".repeat(64), Names: ["/job"], Image: "a", Command: "b", Created: 0, RepoTags: ["a:1"] };
    const sizes = { Size: 1, SharedSize: -1, Containers: 0, State: "exited", Status: "Exited" };
    return await callTsd(new FakeEngine(() => ({ json: [{ ...row, ...sizes }] })), argv, { terminal });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("configured formats: are used unless a flag overrides them", async () => {
  const config = JSON.stringify({ psFormat: "{{.Names}}!", imagesFormat: "{{.Tag}}!" });
  assert.deepEqual(await withConfig(config, ["ps"]), { code: 0, out: "job!\n", err: "" });
  assert.equal((await withConfig(config, ["images"])).out, "1!\n");
  assert.equal((await withConfig(config, ["ps", "-q"])).out, "ffffffffffff\n");
  assert.equal((await withConfig(config, ["ps", "--format", "{{.Image}}"])).out, "a\n");
  assert.match((await withConfig("{}", ["ps"])).out, /^CONTAINER ID/);
  for (const key of ["psformat", "PSFORMAT", "p\u017fFormat", String.raw`ps\u0046ormat`]) {
    assert.equal((await withConfig(`{"${key}":"{{.Names}}!"}`, ["ps"])).out, "job!\n", key);
  }
});

Deno.test("configured formats: an invalid file gives a warning", async () => {
  const { code, out, err } = await withConfig('{"psFormat": ', ["ps"]);
  assert.equal(code, 0);
  assert.match(out, /^CONTAINER ID/);
  assert.match(err, /^WARNING: Error loading config file: .*: it is not JSON\n$/);
  const wrong = await withConfig('{"psFormat": 5}', ["ps"]);
  assert.match(wrong.out, /^CONTAINER ID/);
  assert.match(wrong.err, /^WARNING: Error loading config file: .*: psFormat must be a text without NUL\n$/);
});
