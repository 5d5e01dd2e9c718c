import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { ProgressMessage } from "../../api_types/mod.ts";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { progressView } from "./progress_view.ts";
import { PullBoard } from "./pull_display.ts";

/** Emulates a terminal that shows `output`: line feeds, carriage returns, and the control sequences that the display uses. */
function screenOf(output: string): string[] {
  const lines = [""];
  let at = 0;
  // deno-lint-ignore no-control-regex -- a terminal's language is control characters
  for (const [piece, count, letter] of output.matchAll(/\x1b\[(\d+)([ABK])|\r|\n|[^\x1b\r\n]+/g)) {
    if (piece === "\n") lines[++at] ??= "";
    else if (letter === "A") at -= Number(count);
    else if (letter === "B") at += Number(count);
    else if (letter === "K") lines[at] = "";
    else if (piece !== "\r") lines[at] = piece;
    assert(at >= 0, "above the first line");
  }
  return lines;
}

async function shown(messages: readonly ProgressMessage[], { columns = 100, rows = 24, stepMs = 1000 } = {}) {
  let output = "";
  let nowMs = 0;
  const write = (text: string) => {
    output += text;
    return Promise.resolve();
  };
  const board = new PullBoard({ write, size: () => ({ rows, columns }), now: () => nowMs += stepMs });
  for (const message of messages) await board.show(message);
  // deno-lint-ignore no-control-regex -- there are no colours, so NO_COLOR has nothing to take away
  assert.doesNotMatch(output, /\x1b\[[\d;]*m/);
  return screenOf(output);
}

const step = (id: string, status: string, current = 0, total = 0): ProgressMessage => ({
  id,
  status,
  progressDetail: current > 0 ? { current, total } : {},
});

Deno.test("pull on a terminal: each layer has a line that is redrawn in place", async () => {
  const messages = [
    step("latest", "Pulling from library/alpine"),
    step("aaa", "Pulling fs layer"),
    step("bbb", "Pulling fs layer"),
    step("aaa", "Downloading", 1_000_000, 4_000_000),
    step("bbb", "Download complete"),
    step("aaa", "Downloading", 2_000_000, 4_000_000),
  ];
  assert.deepEqual(await shown(messages), [
    "latest: Pulling from library/alpine",
    "aaa: Downloading [============>             ]  2MB/4MB  1MB/s  2 seconds left",
    "bbb: Download complete",
    "",
  ]);
  const end = [step("aaa", "Pull complete"), { status: "Digest: sha256:0" }, { status: "Status: Downloaded" }];
  assert.deepEqual(await shown([...messages, ...end]), [
    ...["latest: Pulling from library/alpine", "aaa: Pull complete", "bbb: Download complete"],
    ...["Digest: sha256:0", "Status: Downloaded", ""],
  ]);
});

Deno.test("pull on a terminal: a narrow terminal has no bar, and no line wraps", async () => {
  const messages = [step("aaa", "Downloading", 1, 10), step("aaa", "Downloading", 5, 10)];
  assert.deepEqual(await shown(messages, { columns: 40 }), ["aaa: Downloading  5B/10B  4B/s  1 secon", ""]);
  assert.deepEqual(await shown([step("aaa", "Downloading", 5)]), ["aaa: Downloading  5B", ""]);
});

Deno.test("pull on a terminal: lines that were scrolled off the screen are not redrawn", async () => {
  const layers = Array.from({ length: 5 }, (_, index) => step(`l${index}`, "Waiting"));
  const lines = await shown([...layers, step("l0", "Done"), step("l4", "Done")], { rows: 4 });
  assert.deepEqual(lines, ["l0: Waiting", "l1: Waiting", "l2: Waiting", "l3: Waiting", "l4: Done", ""]);
});

Deno.test("pull on a terminal: every layer's line shows its last message", async () => {
  const message = fc.record({ id: fc.constantFrom("a", "b", "c", "d"), status: fc.stringMatching(/^[a-z]{1,8}$/) });
  await fc.assert(fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 30 }), async (messages) => {
    const last = new Map(messages.map(({ id, status }) => [id, `${id}: ${status}`]));
    assert.deepEqual(await shown(messages), [...last.values(), ""]);
  }));
});

Deno.test("progress: plain lines in a pipe and on a dumb terminal, cursor movement on others, no control characters", async () => {
  const messages = [step("aaa", "Downloading", 1, 2), step("aaa", "Pull \x1b[2Jcomplete")];
  const output = async (terminal: FakeTerminal, stream: "stdout" | "stderr") => {
    const show = await progressView(terminal, stream);
    for (const message of messages) await show(message);
    return terminal[stream];
  };
  assert.equal(await output(new FakeTerminal(), "stdout"), "aaa: Pull \uFFFD[2Jcomplete\n");
  const dumb = new FakeTerminal({ ttys: ["stderr"], env: { TERM: "dumb" } });
  assert.equal(await output(dumb, "stderr"), "aaa: Pull \uFFFD[2Jcomplete\n");
  const real = await output(new FakeTerminal({ ttys: ["stdout"] }), "stdout");
  assert.deepEqual(screenOf(real), ["aaa: Pull \uFFFD[2Jcomplete", ""]);
  assert.match(real, /\[1A/);
});
