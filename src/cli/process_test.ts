import { strict as assert } from "node:assert";
import { OUTPUT_CLOSED_EXIT } from "./terminal.ts";
import { printable, printableLine } from "./printable.ts";
import { runProgram, startInBackground } from "./process.ts";

Deno.test("background: a process gets a clean environment and none of our streams; its standard error is returned", async () => {
  Deno.env.set("TSD_TEST_SECRET", "hunter2");
  // A background process is unreferenced and doesn't keep the event loop alive.
  const awake = setInterval(() => {}, 1000);
  try {
    const { exited } = startInBackground(["/bin/sh", "-c", "pwd >&2; env | sort >&2; cat; echo lost; exit 3"]);
    const { code, stderr } = await exited;
    assert.equal(code, 3);
    assert.match(stderr, /^\/\n/);
    assert.match(stderr, /^PATH=\/usr\/local\/sbin:/m);
    assert.doesNotMatch(stderr, /hunter2|lost/);
  } finally {
    clearInterval(awake);
    Deno.env.delete("TSD_TEST_SECRET");
  }
});

Deno.test("runProgram returns a program's exit code and output, and 127 if it doesn't exist", async () => {
  assert.deepEqual(await runProgram("sh", ["-c", "cat; echo out; echo err >&2; exit 3"]), {
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.deepEqual(await runProgram("tsd-no-such-program", []), {
    code: 127,
    stdout: "",
    stderr: "tsd-no-such-program: command not found",
  });
});

/** Source of a program that writes to the real terminal without end. */
const ENDLESS_WRITER = (baseUrl: string) => `
  import { defineCommand, DenoTerminal, dispatch, exit } from ${JSON.stringify(new URL("mod.ts", baseUrl).href)};
  const terminal = new DenoTerminal();
  const talk = defineCommand({ usage: "", args: { min: 0 }, flags: {}, examples: [],
    async run() { for (;;) await terminal.out("y\\n".repeat(1000)); } });
  const program = { name: "p", summary: "", version: "", globalFlags: {}, groups: [], context: () => undefined,
    commands: [{ names: ["talk"], summary: "", load: () => Promise.resolve(talk) }] };
  exit(await dispatch(program, ["talk"], terminal));
`;

Deno.test("terminal: closed output ends the program without an error message", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(ENDLESS_WRITER(import.meta.url)));
  await writer.close();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(await new Response(child.stderr).text(), "");
  assert.equal((await child.status).code, OUTPUT_CLOSED_EXIT);
});

Deno.test("printable: control characters are replaced", () => {
  assert.equal(printable("a\x1b[31mred\x07\r\n\tü\x9b2J\x7f"), "a�[31mred��\n\tü�2J�");
  assert.equal(printableLine("a\nb\tc"), "a b c");
});
