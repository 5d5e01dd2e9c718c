import { strict as assert } from "node:assert";
import { FakeEngine } from "../client/fake_engine_testing.ts";
import { callTsd } from "./session_testing.ts";
import { COMMANDS, GROUPS } from "./table.ts";

const GOLDEN = new URL("./testdata/help.txt", import.meta.url);
const engine = new FakeEngine(() => assert.fail("help calls no engine"));

async function allHelp(): Promise<string> {
  const names = ["", ...GROUPS.map(({ name }) => name), ...COMMANDS.map(({ names }) => names[0])];
  const texts = names.map(async (name) => {
    const { code, out, err } = await callTsd(engine, [...name.split(" "), "--help"].filter((word) => word !== ""));
    assert.deepEqual([code, err], [0, ""]);
    return `$ tsd ${name} --help\n`.replace("  ", " ") + out;
  });
  return (await Promise.all(texts)).join("\n");
}

Deno.test("help: the text of every command matches the golden file (./dev golden rewrites it)", async () => {
  const text = await allHelp();
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
});

Deno.test("help: every example parses", async () => {
  for (const { load, names } of COMMANDS) {
    const { examples, args, flags, flagsFirst } = await load();
    const { parseFlags } = await import("../cli/mod.ts");
    for (const { line } of examples) {
      const words = line.replace(/ [<>].*/, "").replaceAll('"', "").split(" ");
      // The longer name (`daemon stop`) takes precedence over `daemon`.
      const length = [2, 1].find((count) => names.includes(words.slice(0, count).join(" ")));
      assert(length !== undefined, line);
      const parsed = parseFlags(flags, words.slice(length), flagsFirst === undefined ? {} : { flagsFirst });
      assert(parsed.args.length >= args.min && parsed.args.length <= (args.max ?? Infinity), line);
    }
  }
});

Deno.test("help: names are unique, and every group has members", () => {
  const names = COMMANDS.flatMap((row) => row.names);
  assert.equal(new Set(names).size, names.length);
  for (const { name } of GROUPS) assert(names.some((each) => each.startsWith(`${name} `)), name);
});
