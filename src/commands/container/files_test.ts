import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { type FakeAnswer, FakeEngine } from "../../client/fake_engine_testing.ts";
import type { EngineRequest } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, decodeAll, rawBlock, rawFile } from "../../tar/tar_testing.ts";
import { callTsd } from "../session_testing.ts";

Deno.test("diff: prints a letter and a path per line, without control characters", async () => {
  const changes = [{ Path: "/etc", Kind: 0 }, { Path: "/etc/new\nD /", Kind: 1 }, { Path: "/gone", Kind: 2 }];
  const engine = new FakeEngine(() => ({ json: changes }));
  const out = "C /etc\nA /etc/new D /\nD /gone\n";
  assert.deepEqual(await callTsd(engine, ["diff", "web"]), { code: 0, out, err: "" });
  assert.deepEqual(engine.calls, ["GET /containers/web/changes"]);
  const nothing = new FakeEngine(() => ({ json: null }));
  assert.deepEqual(await callTsd(nothing, ["container", "diff", "web"]), { code: 0, out: "", err: "" });
});

async function inDir(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-cp-" }));
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const DIR = 0x8000_01ed;
const LINK = 0x0800_01ff;
const FILE = 0o644;

/** A response for a path's stat. */
function info(mode: number, linkTarget = "", bytes: readonly Uint8Array[] = []): FakeAnswer {
  const stat = { name: "x", size: 1, mode, mtime: "2024-01-01T00:00:00Z", linkTarget };
  const header = new TextEncoder().encode(JSON.stringify(stat)).toBase64();
  return { bytes, headers: { "x-docker-container-path-stat": header } };
}

const missing = () => {
  throw new TsdError("not_found", "");
};

/** An engine that has these paths and accepts every upload. */
const knowing = (paths: Readonly<Record<string, FakeAnswer>>) =>
  new FakeEngine(({ method, query }: EngineRequest) =>
    method === "PUT" ? { bytes: [] } : paths[String(query?.path)] ?? missing()
  );

const uploaded = ({ uploads }: FakeEngine): string[] =>
  decodeAll(uploads[0]!).entries.map(({ entry, data }) => `${entry.path} ${data}`.trim());

Deno.test("cp to a container: names and queries depend on what exists at the target", () =>
  inDir(async (directory) => {
    await Deno.mkdir(`${directory}/d`);
    await Deno.writeTextFile(`${directory}/d/f`, "text");
    const cases: readonly (readonly [source: string, target: string, at: string, names: readonly string[]])[] = [
      ["d", "/there", "/there", ["d/", "d/f text"]],
      ["d/.", "/there", "/there", ["./", "./f text"]],
      ["d", "/new", "/", ["new/", "new/f text"]],
      ["d/f", "/there", "/there", ["f text"]],
      ["d/f", "/old", "/", ["old text"]],
      ["d/f", "/link", "/there", ["f text"]],
      ["d/f", "/dangling", "/nowhere", ["yet text"]],
    ];
    for (const [source, target, at, names] of cases) {
      const engine = knowing({
        ...{ "/there": info(DIR), "/old": info(FILE), "/link": info(LINK, "/there") },
        ...{ "/dangling": info(LINK, "/nowhere/yet") },
      });
      const call = await callTsd(engine, ["cp", `${directory}/${source}`, `web:${target}`]);
      assert.deepEqual(call, { code: 0, out: "", err: "" });
      const { path, query } = engine.requests.at(-1)!;
      assert.deepEqual([path, query], ["/containers/web/archive", { path: at, noOverwriteDirNonDir: true }], target);
      assert.deepEqual(uploaded(engine), names, `${source} to ${target}`);
    }
    const engine = knowing({});
    await callTsd(engine, ["cp", "-a", `${directory}/d/f`, "web:/new"]);
    assert.equal(engine.requests.at(-1)!.query?.copyUIDGID, true);
  }));

Deno.test("cp to a container: a tar from standard input is sent unchanged", async () => {
  const engine = knowing({ "/there": info(DIR) });
  const terminal = new FakeTerminal({ stdin: "a tar", ttys: ["stdout"] });
  const call = await callTsd(engine, ["cp", "-", "web:/there"], { terminal });
  assert.deepEqual(call, { code: 0, out: "", err: "Successfully copied 5B to web:/there\n" });
  assert.equal(new TextDecoder().decode(engine.uploads[0]), "a tar");
  const refused = { code: 1, out: "", err: 'destination "web:/new" must be a directory\n' };
  assert.deepEqual(await callTsd(engine, ["cp", "-", "web:/new"]), refused);
});

Deno.test("cp from a container: names depend on what exists at the target", () =>
  inDir(async (directory) => {
    const dir = rawBlock({ name: "d/", flag: "5", mode: "0000755\0" });
    const tar = (...members: Uint8Array[]) => [concat(...members, END_OF_TAR)];
    const engine = knowing({
      "/d": info(DIR, "", tar(dir, rawFile("d/f", "text"), rawBlock({ name: "d/h", flag: "1", linkName: "d/f" }))),
      "/d/.": info(DIR, "", tar(rawBlock({ name: "./", flag: "5", mode: "0000755\0" }), rawFile("./f", "text"))),
      "/f": info(FILE, "", tar(rawFile("f", "one"))),
      "/l": info(LINK, "/d", tar(rawBlock({ name: "l", flag: "2", linkName: "d" }))),
    });
    await Deno.mkdir(`${directory}/there`);
    const cp = async (source: string, target: string, ...flags: string[]) =>
      assert.deepEqual(await callTsd(engine, ["cp", ...flags, `web:${source}`, `${directory}/${target}`]), {
        code: 0,
        out: "",
        err: "",
      });
    await cp("/d", "there");
    await cp("/d", "new");
    await cp("/d/.", "content");
    await cp("/f", "there/name");
    await cp("/f", "there/name");
    await cp("/l", "there/l");
    await cp("/l", "there/followed", "-L");
    const text = (path: string) => Deno.readTextFile(`${directory}/${path}`);
    for (const path of ["there/d/f", "there/d/h", "new/h", "content/f", "there/followed/f"]) {
      assert.equal(await text(path), "text", path);
    }
    assert.equal(await text("there/name"), "one");
    assert.equal(await Deno.readLink(`${directory}/there/l`), "d");
    const failing = async (...argv: string[]) => (await callTsd(engine, ["cp", ...argv])).err;
    assert.equal(await failing("web:/d", `${directory}/there/name`), "cannot copy directory\n");
    assert.equal(await failing("web:/f", `${directory}/no/`), "no such directory\n");
    assert.match(
      await failing("web:/f", `${directory}/no/x`),
      /^invalid output path: directory ".*\/no" does not exist\n$/,
    );
    assert.match(await failing("web:/f", `${directory}/there/d/f/x`), /^(not a directory|stat .*: no such file.*)\n$/);
    assert.equal(await failing("a", "b"), "must specify at least one container source\n");
    assert.equal(await failing("a:b", "c:d"), "copying between containers is not supported\n");
    assert.equal(await failing("", "c:d"), "source can not be empty\n");
    assert.equal(await failing("./with:colon", "b"), "must specify at least one container source\n");
    const out = await callTsd(engine, ["cp", "web:/f", "-"]);
    assert.ok(out.out.startsWith("f\0"), "the tar as it is");
  }));

Deno.test("cp from a container: a malicious engine can't write outside of the directory", () =>
  inDir(async (directory) => {
    await Deno.writeTextFile(`${directory}/victim`, "untouched");
    await Deno.mkdir(`${directory}/to`);
    const members: Readonly<Record<string, readonly Uint8Array[]>> = {
      dots: [rawFile("d/../../victim", "!")],
      link: [rawBlock({ name: "d", flag: "2", linkName: directory }), rawFile("d/victim", "!")],
      absolute: [rawFile(`${directory}/victim`, "!")],
      hard: [rawBlock({ name: "d", flag: "1", linkName: "../victim" }), rawFile("d", "!")],
    };
    for (const [name, tar] of Object.entries(members)) {
      const engine = knowing({ "/d": info(DIR, "", [concat(...tar, END_OF_TAR)]) });
      const { code } = await callTsd(engine, ["cp", "web:/d", `${directory}/to`]);
      assert.equal(code, name === "absolute" ? 0 : 1, name);
      assert.equal(await Deno.readTextFile(`${directory}/victim`), "untouched", name);
    }
  }));

Deno.test({
  name: "cp from a container: files belong to the caller and have no set-id bits, except with -a",
  ...requires("root"),
  fn: () =>
    inDir(async (directory) => {
      const fields = { mode: "0006755\0", uid: "0000007\0", gid: "0000010\0" };
      const engine = knowing({ "/f": info(FILE, "", [concat(rawFile("f", "x", fields), END_OF_TAR)]) });
      const looks = async (...flags: string[]) => {
        await callTsd(engine, ["cp", ...flags, "web:/f", `${directory}/f`]);
        const { mode, uid, gid } = await Deno.stat(`${directory}/f`);
        return [(mode! & 0o7777).toString(8), uid, gid];
      };
      assert.deepEqual(await looks(), ["755", 0, 0]);
      assert.deepEqual(await looks("-a"), ["6755", 7, 8]);
    }),
});

Deno.test("export: writes a file atomically or to standard output, but not to a terminal", () =>
  inDir(async (directory) => {
    const engine = new FakeEngine(() => ({
      bytes: [new TextEncoder().encode("tar "), new TextEncoder().encode("bytes")],
    }));
    assert.deepEqual(await callTsd(engine, ["export", "web"]), { code: 0, out: "tar bytes", err: "" });
    const file = `${directory}/web.tar`;
    for (const turn of ["new", "again"]) {
      assert.deepEqual(await callTsd(engine, ["export", "-o", file, "web"]), { code: 0, out: "", err: "" }, turn);
      assert.equal(await Deno.readTextFile(file), "tar bytes");
    }
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    assert.deepEqual(engine.calls[0], "GET /containers/web/export");
    const text = "cowardly refusing to save to a terminal. Use the -o flag or redirect\n";
    const terminal = new FakeTerminal({ ttys: ["stdout"] });
    assert.deepEqual(await callTsd(engine, ["export", "web"], { terminal }), { code: 1, out: "", err: text });
    const failing = async (path: string, from = engine) => (await callTsd(from, ["export", "-o", path, "web"])).err;
    assert.match(
      await failing(`${directory}/no/x`),
      /^failed to export container: invalid output path: stat .*\/no: no such file or directory\n$/,
    );
    assert.equal(await failing(directory), "failed to export container: cannot write to a directory\n");
    const broken = new FakeEngine(() => {
      throw new TsdError("container_not_found", "No such container: web");
    });
    assert.equal(await failing(`${directory}/other`, broken), "tsd: No such container: web\n");
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["web.tar"]);
  }));
