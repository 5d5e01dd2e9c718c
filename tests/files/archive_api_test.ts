/** `/containers/{id}/archive`, `/export` and `/changes` over raw HTTP, in all tested API versions. */
import { strict as assert } from "node:assert";
import { type Fixture, scenario } from "../cli/setup.ts";
import type { ApiResponse, EngineApi } from "../harness/mod.ts";
import { file, tarBytes, type TarEntry } from "../images/mod.ts";

const VERSIONS = ["1.41", "1.44", "1.50"];
const STAT = "x-docker-container-path-stat";

interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

function statOf({ headers }: ApiResponse): PathStat {
  return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(headers[STAT] ?? "")));
}

const at = (path: string) => `/containers/box/archive?path=${encodeURIComponent(path)}`;

function assertError(response: ApiResponse, status: number, message: string | RegExp): void {
  assert.equal(response.status, status, response.text());
  const body = response.json<{ message: string }>();
  if (typeof message === "string") assert.equal(body.message, message);
  else assert.match(body.message, message);
}

const put = (api: EngineApi, query: string, body: unknown) =>
  api.request("PUT", `/containers/box/archive?${query}`, { body, headers: { "content-type": "application/x-tar" } });

async function text(fixture: Fixture, path: string): Promise<string> {
  return (await fixture.tsd("exec", "box", "cat", path)).stdout;
}

scenario("the archive API", {
  "HEAD: path stats": async (fixture) => {
    await fixture.background("box");
    const script =
      "printf 12345 >/f; chmod 4751 /f; touch -d @1000000000 /f; ln -s ../etc/./passwd /tmp/l; mkdir -m 1777 /s";
    await fixture.tsd("exec", "box", "sh", "-c", script);
    for (const version of VERSIONS) {
      const api = fixture.engine.api.version(version);
      const head = async (path: string) => await api.request("HEAD", at(path));
      const answer = await head("/f");
      assert.deepEqual([answer.status, answer.body.length], [200, 0]);
      assert.deepEqual(statOf(answer), {
        name: "f",
        size: 5,
        mode: 0o751 | 1 << 23,
        mtime: "2001-09-09T01:46:40Z",
        linkTarget: "",
      });
      const link = statOf(await head("/tmp/l"));
      assert.deepEqual([link.name, link.mode, link.linkTarget], ["l", 0o777 | 1 << 27, "/etc/passwd"]);
      assert.deepEqual([statOf(await head("s/")).name, statOf(await head("/")).name], ["s", "/"]);
      assert.equal(statOf(await head("/s")).mode, ((1 << 31) | (1 << 20) | 0o777) >>> 0);
      assert.equal((await head("/nothing")).status, 404);
      assert.equal((await head("/f/x")).status, 400);
      assert.equal((await api.request("HEAD", "/containers/nosuch/archive?path=/")).status, 404);
    }
    await fixture.remove("box");
  },
  "GET: a tar with the path stat; errors": async (fixture) => {
    await fixture.background("box");
    const { api } = fixture.engine;
    const answer = await api.get(at("/etc/passwd"));
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/x-tar"]);
    const { name, size } = statOf(answer);
    assert.equal(name, "passwd");
    assert.equal(answer.body.length, 512 + Math.ceil(size / 512) * 512 + 1024);
    assert.equal(new TextDecoder().decode(answer.body.subarray(0, 6)), "passwd");
    assertError(await api.get(at("/nothing")), 404, "Could not find the file /nothing in container box");
    assertError(await api.get("/containers/box/archive"), 400, /^bad parameter: path ?cannot be empty$/);
    assertError(await api.get(at("/etc/passwd/x")), 400, "lstat /etc/passwd/x: not a directory");
    assertError(await api.get("/containers/nosuch/archive?path=/"), 404, "No such container: nosuch");
    assertError(await api.get("/containers/nosuch/export"), 404, "No such container: nosuch");
    assertError(await api.get("/containers/nosuch/changes"), 404, "No such container: nosuch");
    await fixture.remove("box");
  },
  "PUT: into a directory, with a length or chunked; replacements; errors": async (fixture) => {
    await fixture.background("box", undefined, ["-u", "app"]);
    await fixture.tsd("exec", "-u", "0", "box", "sh", "-c", "mkdir -p /t/d/in; printf old >/t/f; ln -s /t /to");
    const { api } = fixture.engine;
    const tar = (...entries: TarEntry[]) => tarBytes(entries);
    const ok = async (query: string, body: unknown) => {
      const answer = await put(api, query, body);
      assert.deepEqual([answer.status, answer.text()], [200, ""]);
    };
    await ok("path=/t", tar(file("f", "new", { uid: 5, gid: 6 })));
    assert.equal(await text(fixture, "/t/f"), "new");
    await ok("path=to", ReadableStream.from([tar(file("g", "chunked"))]));
    assert.equal(await text(fixture, "/t/g"), "chunked");
    await ok("path=/t&copyUIDGID=true", tar(file("mine", "", { uid: 5, gid: 6 })));
    const owners = await fixture.tsd("exec", "box", "stat", "-c", "%u:%g", "/t/f", "/t/mine");
    assert.equal(owners.stdout, "5:6\n1000:1000\n");
    const dirForFile = await put(api, "path=/t&noOverwriteDirNonDir=true", tar(file("d", "file")));
    assertError(dirForFile, 500, 'cannot overwrite directory "/t/d" with non-directory "/t"');
    await ok("path=/t", tar(file("d", "file")));
    assert.equal(await text(fixture, "/t/d"), "file");
    await ok("path=/t", new Uint8Array());
    assertError(await put(api, "path=/no", tar(file("f"))), 404, "Could not find the file /no in container box");
    assertError(await put(api, "path=/t/f", tar(file("f"))), 400, "extraction point is not a directory");
    assertError(await put(api, "path=/t", "no tar"), 500, /./);
    assertError(await put(api, "", tar(file("f"))), 400, /^bad parameter: path ?cannot be empty$/);
    await fixture.remove("box");
  },
  "an upload refused midway, and clients that disconnect, leave nothing open": async (fixture) => {
    await fixture.background("box");
    const { api } = fixture.engine;
    const big = "x".repeat(1 << 20);
    const hostile = async function* () {
      yield tarBytes([file("../out", big)]);
      for (let n = 0; n < 20; n++) yield new TextEncoder().encode(big);
    };
    assertError(await put(api, "path=/tmp", hostile()), 500, /is outside of the folder that it is unpacked to$/);
    await fixture.tsd("exec", "box", "sh", "-c", "head -c 50000000 /dev/zero >/big");
    for (const path of [at("/big"), "/containers/box/export"]) {
      using stream = await api.stream("GET", path);
      for await (const _ of stream.chunks()) break;
    }
    await fixture.remove("box");
  },
  "a container removed during a download: its archive is cut off": async (fixture) => {
    await fixture.background("box");
    await fixture.tsd(
      "exec",
      "box",
      "sh",
      "-c",
      "mkdir /d; for n in 1 2 3 4; do head -c 30000000 /dev/zero >/d/$n; done",
    );
    using stream = await fixture.engine.api.stream("GET", at("/d"));
    const chunks = stream.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    await fixture.remove("box");
    await assert.rejects(async () => {
      while (!(await chunks.next()).done);
    });
  },
  "a stopped container is started, stopped and removed during copies": async (fixture) => {
    const create = ["create", "--network", "none", "--name", "box", fixture.image, "sh", "-c", "echo up; sleep 1000"];
    await fixture.tsd(...create);
    const big = new Uint8Array(30_000_000);
    assert.equal((await put(fixture.engine.api, "path=/", tarBytes([file("big", big)]))).status, 200);
    using stream = await fixture.engine.api.stream("GET", at("/big"));
    const chunks = stream.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    assert.equal((await fixture.tsd("start", "box")).code, 0);
    assert.equal((await fixture.tsd("kill", "box")).code, 0);
    await fixture.tsd("wait", "box");
    assert.equal((await fixture.tsd("start", "box")).code, 0);
    let total = 0;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) total += next.value.length;
    assert.ok(total > 25_000_000);
    assert.equal((await fixture.tsd("exec", "box", "wc", "-c", "/big")).stdout.trim(), "30000000 /big");
    await fixture.remove("box");
  },
});
