import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const lines = (...messages: object[]) => [
  new TextEncoder().encode(messages.map((message) => `${JSON.stringify(message)}\r\n`).join("")),
];
const LOADED = { stream: "Loaded image: app:1\n" };

async function inDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-save-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("load: reads a file or standard input and prints the engine's messages", () =>
  inDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.tar`, "an archive");
    const engine = new FakeEngine(() => ({ bytes: lines(LOADED) }));
    const expected = { code: 0, out: LOADED.stream, err: "" };
    assert.deepEqual(await callTsd(engine, ["load", "-i", `${dir}/a.tar`]), expected);
    const terminal = new FakeTerminal({ stdin: "the same", ttys: ["stdout"] });
    assert.deepEqual(await callTsd(engine, ["image", "load", "--platform", "arm64"], { terminal }), {
      ...expected,
      out: LOADED.stream.replace("\n", "\r\n"),
    });
    assert.deepEqual(engine.uploads.map((bytes) => new TextDecoder().decode(bytes)), ["an archive", "the same"]);
    assert.deepEqual(engine.requests.map(({ path, query }) => [path, query]), [
      ["/images/load", { quiet: true }],
      ["/images/load", { quiet: false, platform: '{"architecture":"arm64","os":"linux","variant":"v8"}' }],
    ]);
  }));

Deno.test("load: a terminal, a missing file and failures in the stream are errors", async () => {
  const engine = new FakeEngine(() => ({ bytes: lines({ errorDetail: { message: "bad" }, error: "bad" }) }));
  const terminal = new FakeTerminal({ ttys: ["stdin"] });
  const text = "requested load from stdin, but stdin is empty\n";
  assert.deepEqual(await callTsd(engine, ["load"], { terminal }), { code: 1, out: "", err: text });
  const absent = "open /no/such/file: no such file or directory\n";
  assert.deepEqual(await callTsd(engine, ["load", "-i", "/no/such/file"]), { code: 1, out: "", err: absent });
  assert.deepEqual(await callTsd(engine, ["load"]), { code: 1, out: "", err: "tsd: bad\n" });
});

Deno.test("save: writes a file atomically or to standard output, but not to a terminal", () =>
  inDir(async (dir) => {
    const engine = new FakeEngine(() => ({ bytes: [new TextEncoder().encode("an archive")] }));
    assert.deepEqual(await callTsd(engine, ["save", "a", "b:1"]), { code: 0, out: "an archive", err: "" });
    const file = `${dir}/a.tar`;
    const call = await callTsd(engine, ["image", "save", "-o", file, "--platform", "linux/amd64", "a"]);
    assert.deepEqual(call, { code: 0, out: "", err: "" });
    assert.equal(await Deno.readTextFile(file), "an archive");
    assert.deepEqual(engine.requests.map(({ path, query }) => [path, query]), [
      ["/images/get", { names: ["a", "b:1"] }],
      ["/images/get", { names: ["a"], platform: '{"architecture":"amd64","os":"linux"}' }],
    ]);
    const terminal = new FakeTerminal({ ttys: ["stdout"] });
    const text = "cowardly refusing to save to a terminal. Use the -o flag or redirect\n";
    assert.deepEqual(await callTsd(engine, ["save", "a"], { terminal }), { code: 1, out: "", err: text });
    assert.match((await callTsd(engine, ["save", "-o", `${dir}/no/x`, "a"])).err, /^failed to save image: invalid /);
    assert.equal((await callTsd(engine, ["save"])).code, 1);
  }));
