import "../../sys/preopen_testing.ts";
import { strict as assert } from "node:assert";
import { listenAt } from "../../engine/lifecycle/socket.ts";
import { Stopwatch } from "../../async/stopwatch.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { Epoll } from "../../sys/mod.ts";
import { epollHangUps } from "./hang_up.ts";
import { empty, json, jsonLines } from "./reply.ts";
import type { Route } from "./route.ts";
import { ApiServer } from "./server.ts";

const ROUTES: Route[] = [
  {
    method: "GET",
    path: "/things/{id}",
    since: "1.24",
    handler: ({ params, query }) => json({ id: params.id, n: query.integer("n") ?? null }),
  },
  { method: "GET", path: "/deep/{name*}/json", since: "1.24", handler: ({ params }) => json({ name: params.name }) },
  {
    method: "POST",
    path: "/echo",
    since: "1.24",
    handler: async (request) => json({ got: await request.json() ?? null }, 201),
  },
  { method: "GET", path: "/new", since: "1.45", handler: () => empty() },
  {
    method: "POST",
    path: "/step",
    since: "1.24",
    handler: async () => {
      const watch = new Stopwatch();
      await Promise.resolve();
      watch.lap("first part");
      return empty();
    },
  },
  { method: "GET", path: "/same", since: "1.24", handler: () => empty(304) },
  {
    method: "GET",
    path: "/lost",
    since: "1.24",
    handler: () => {
      throw new TsdError("container_not_found", "No such container: <x>");
    },
  },
  {
    method: "GET",
    path: "/bug",
    since: "1.24",
    handler: () => {
      throw new RangeError("oops");
    },
  },
  {
    method: "GET",
    path: "/lines",
    since: "1.24",
    handler: () =>
      jsonLines((async function* () {
        yield { n: 1 };
        await Promise.resolve();
        yield { n: 2 };
      })()),
  },
  {
    method: "POST",
    path: "/shout",
    since: "1.24",
    handler: async (request) => {
      const prefix = (await request.json() as { prefix: string } | undefined)?.prefix ?? "";
      return {
        kind: "hijack",
        contentType: "application/vnd.docker.raw-stream",
        async run(connection) {
          const decoder = new TextDecoder();
          for await (const chunk of connection.input) {
            await connection.write(new TextEncoder().encode(prefix + decoder.decode(chunk).toUpperCase()));
          }
          await connection.write(new TextEncoder().encode("BYE"));
        },
      };
    },
  },
];

ROUTES.push(
  {
    method: "PUT",
    path: "/upload",
    since: "1.24",
    handler: async ({ query, upload }) => {
      let sizeBytes = 0;
      try {
        for await (const chunk of upload()) {
          sizeBytes += chunk.length;
          if (query.flag("refuse")) throw new TsdError("conflict", `Refused after ${sizeBytes > 0}`);
        }
      } catch (thrown) {
        uploadEnded.resolve(toTsdError(thrown).code);
        throw thrown;
      }
      return json({ sizeBytes });
    },
  },
  {
    method: "PUT",
    path: "/impatient",
    since: "1.24",
    handler: async ({ upload }) => {
      const iterator = upload()[Symbol.asyncIterator]();
      await iterator.next();
      // Abandoned on purpose.
      void Promise.allSettled([iterator.next()]);
      throw new TsdError("conflict", "Enough");
    },
  },
  {
    method: "GET",
    path: "/marked",
    since: "1.24",
    handler: () => ({
      kind: "stream",
      contentType: "application/x-tar",
      headers: { "X-Mark": "1" },
      body: ReadableStream.from([new TextEncoder().encode("tar")]),
    }),
  },
);

/** Resolves to the error code when an upload has failed. */
let uploadEnded = Promise.withResolvers<string>();

/** Resolves when `POST /silent` has noticed that its client disconnected. */
let silentEnded = Promise.withResolvers<void>();

ROUTES.push({
  method: "POST",
  path: "/silent",
  since: "1.24",
  handler: () => ({
    kind: "hijack",
    contentType: "application/vnd.docker.raw-stream",
    async run({ disconnected, input }) {
      await input.cancel();
      await new Promise((resolve) => disconnected.addEventListener("abort", resolve));
      silentEnded.resolve();
    },
  }),
});

async function withServer(body: (socket: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const server = new ApiServer({ routes: ROUTES, serverVersion: "1.2.3", log: SILENT_LOG });
  try {
    await server.listen(listenAt(`${dir}/s`).take());
    await body(`${dir}/s`);
  } finally {
    await server.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Sends bytes, closes the writing half, and returns the whole response. */
async function raw(socket: string, text: string, { later }: { later?: string } = {}): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path: socket });
  const write = async (part: string) => {
    const bytes = new TextEncoder().encode(part);
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  };
  await write(text);
  if (later !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await write(later);
  }
  await conn.closeWrite();
  return await new Response(conn.readable).text();
}

const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n${headers}\r\n`;

Deno.test("responses have Docker's headers, and bodies with a length that are not escaped for HTML", async () => {
  await withServer(async (socket) => {
    const answer = await raw(socket, get("/v1.41/things/a%20b?n=-3"));
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /^Api-Version: 1\.50\r$/mi);
    assert.match(answer, /^Ostype: linux\r$/mi);
    assert.match(answer, /^Server: Docker\/1\.2\.3 \(linux\)\r$/mi);
    assert.ok(answer.endsWith('\r\n\r\n{"id":"a b","n":-3}\n'));
    const lost = await raw(socket, get("/lost"));
    assert.match(lost, /^HTTP\/1\.1 404 /);
    assert.match(lost, /^Tsd-Error-Code: container_not_found\r$/mi);
    assert.ok(lost.endsWith('{"message":"No such container: <x>"}\n'));
  });
});

Deno.test("Server-Timing has the phases of a request, if the client asks for it", async () => {
  await withServer(async (socket) => {
    const step = (headers: string) =>
      raw(socket, `POST /step HTTP/1.1\r\nHost: d\r\nConnection: close\r\n${headers}\r\n`);
    const requested = await step("Tsd-Timing: 1\r\n");
    const [, part, whole] = /^Server-Timing: first_part;dur=([\d.]+), engine;dur=([\d.]+)\r$/mi.exec(requested) ?? [];
    assert(Number(whole) >= Number(part), requested);
    assert.match(requested, /^Api-Version: 1\.50\r$/mi);
    assert.doesNotMatch(await step(""), /Server-Timing/i);
  });
});

Deno.test("routing: paths with slashes, unknown paths, versions", async () => {
  await withServer(async (socket) => {
    assert.ok(
      (await raw(socket, get("/deep/localhost:5000/a/b:1/json"))).endsWith('{"name":"localhost:5000/a/b:1"}\n'),
    );
    for (const path of ["/nothing", "/v1.44/new", "/things/%ff"]) {
      assert.ok((await raw(socket, get(path))).endsWith('{"message":"page not found"}\n'), path);
    }
    assert.match(await raw(socket, get("/v1.45/new")), /^HTTP\/1\.1 204 /);
    const tooNew = await raw(socket, get("/v1.99/new"));
    assert.match(tooNew, /^HTTP\/1\.1 400 /);
    assert.ok(tooNew.includes("client version 1.99 is too new. Maximum supported API version is 1.50"));
    assert.match(await raw(socket, get("/v1.12/new")), /client version 1\.12 is too old/);
  });
});

Deno.test("invalid bodies and parameters are 400, unexpected errors are 500, and the server continues", async () => {
  await withServer(async (socket) => {
    const post = (body: string, type = "Content-Type: application/json\r\n") =>
      raw(
        socket,
        `POST /echo HTTP/1.1\r\nHost: d\r\nConnection: close\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    assert.match(await post("{"), /^HTTP\/1\.1 400 [^]*invalid JSON: /);
    assert.match(await post("[".repeat(200_000)), /^HTTP\/1\.1 400 /);
    assert.match(await post("1", ""), /^HTTP\/1\.1 400 [^]*malformed Content-Type header \(\): mime: no media type/);
    assert.match(await post("", ""), /^HTTP\/1\.1 201 [^]*{"got":null}/);
    assert.match(await raw(socket, get("/things/1?n=x")), /^HTTP\/1\.1 400 /);
    assert.match(await raw(socket, get("/bug")), /^HTTP\/1\.1 500 [^]*{"message":"oops"}/);
    assert.match(await raw(socket, get("/things/1", "Origin: http://evil.example\r\n")), /^HTTP\/1\.1 403 /);
    assert.match(await raw(socket, get("/same")), /^HTTP\/1\.1 304 /);
    assert.match(await post("1"), /{"got":1}/);
  });
});

Deno.test("a body over 4 MiB is refused", async () => {
  await withServer(async (socket) => {
    const big = `"${"x".repeat(4 << 20)}"`;
    const answer = await raw(
      socket,
      `POST /echo HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: ${big.length}\r\n\r\n${big}`,
    );
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });
});

const chunked = (path: string, chunks: readonly string[], headers = "") =>
  `PUT ${path} HTTP/1.1\r\nHost: d\r\n${headers}Transfer-Encoding: chunked\r\n\r\n` +
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");

Deno.test("an upload of any size is received as a whole", async () => {
  await withServer(async (socket) => {
    const chunks = [...Array.from({ length: 100 }, (_, n) => "x".repeat(n * 1000 + 1)), ""];
    assert.match(await raw(socket, chunked("/upload", chunks)), /^HTTP\/1\.1 200 [^]*{"sizeBytes":4950100}/);
    const length = "PUT /upload HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\n";
    assert.match(await raw(socket, length, { later: "bytes" }), /{"sizeBytes":5}/);
  });
});

Deno.test("an upload that is refused or not read gets a response although its client continues to send", async () => {
  await withServer(async (socket) => {
    const chunks = Array.from({ length: 64 }, () => "x".repeat(65_536));
    for (const headers of ["", "Connection: close\r\n"]) {
      const answer = await raw(socket, chunked("/upload?refuse=1", [...chunks, ""], headers));
      assert.match(answer, /^HTTP\/1\.1 409 [^]*{"message":"Refused after true"}/);
      const unread = await raw(socket, chunked("/nowhere", [...chunks, ""], headers));
      assert.match(unread, /^HTTP\/1\.1 404 [^]*{"message":/);
      const unasked = await raw(socket, chunked("/things/1", [...chunks, ""], headers).replace("PUT", "GET"));
      assert.match(unasked, /^HTTP\/1\.1 200 [^]*{"id":"1"/);
      const [first = "", ...others] = chunks;
      const later = chunked("", [...others, ""]).replace(/^[^]*?\r\n\r\n/, "");
      const waiting = await raw(socket, chunked("/impatient", [first], headers), { later });
      assert.match(waiting, /^HTTP\/1\.1 409 [^]*{"message":"Enough"}/);
    }
  });
});

Deno.test("an upload fails when its client disconnects", async () => {
  await withServer(async (socket) => {
    uploadEnded = Promise.withResolvers();
    const conn = await Deno.connect({ transport: "unix", path: socket });
    await conn.write(new TextEncoder().encode(chunked("/upload", ["part"])));
    await raw(socket, get("/things/1"));
    conn.close();
    assert.equal(await uploadEnded.promise, "cancelled");
  });
});

Deno.test("a stream may have additional headers", async () => {
  await withServer(async (socket) => {
    const answer = await raw(socket, get("/marked"));
    assert.match(answer, /^X-Mark: 1\r$/mi);
    assert.match(answer, /^Content-Type: application\/x-tar\r$/mi);
  });
});

Deno.test("JSON streams are objects terminated by CRLF", async () => {
  await withServer(async (socket) => {
    const answer = await raw(socket, get("/lines"));
    assert.ok(answer.includes('{"n":1}\r\n') && answer.includes('{"n":2}\r\n'));
  });
});

Deno.test("an upgrade switches to raw bytes after the body; a half-close ends the input only", async () => {
  await withServer(async (socket) => {
    const body = '{"prefix":">"}';
    const head = "POST /shout HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n" +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (const [first, later] of [[head + body, "hello"], [head + body.slice(0, 5), body.slice(5) + "hello"]]) {
      const answer = await raw(socket, first, { later });
      assert.match(answer, /^HTTP\/1\.1 101 UPGRADED\r\n/);
      assert.ok(answer.endsWith("\r\n\r\n>HELLOBYE"), answer);
    }
  });
});

Deno.test("hijacking without an upgrade: 200 and raw bytes; a half-close ends the input only", async () => {
  await withServer(async (socket) => {
    const head = "POST /shout HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n";
    const answer = await raw(socket, head, { later: "GET / HTTP/1.1\r\n\r\n" });
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(answer.endsWith("\r\n\r\nGET / HTTP/1.1\r\n\r\nBYE"), answer);
  });
});

Deno.test("a client of a silent stream may half-close; its disconnect is noticed", async () => {
  const dir = await Deno.makeTempDir();
  await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
  void epoll.run();
  const watchHangUp = epollHangUps(epoll);
  const server = new ApiServer({ routes: ROUTES, serverVersion: "1.2.3", log: SILENT_LOG, watchHangUp });
  await server.listen(listenAt(`${dir}/s`).take());
  for (const upgrade of ["", "Connection: Upgrade\r\nUpgrade: tcp\r\n"]) {
    silentEnded = Promise.withResolvers();
    let ended = false;
    silentEnded.promise.then(() => ended = true);
    const conn = await Deno.connect({ transport: "unix", path: `${dir}/s` });
    await conn.write(
      new TextEncoder().encode(`POST /silent HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: 0\r\n\r\n`),
    );
    await conn.read(new Uint8Array(1000));
    await conn.closeWrite();
    // The half-close has been processed for sure when another request has been answered.
    await raw(`${dir}/s`, get("/things/1"));
    assert.equal(ended, false);
    conn.close();
    await silentEnded.promise;
  }
  await server.close();
  assert.equal(epoll.size, 0);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("an upgrade of a route without a raw stream is refused by HTTP, and the connection is closed", async () => {
  await withServer(async (socket) => {
    const request = get("/things/1", "Upgrade: tcp\r\n").replace("Connection: close", "Connection: Upgrade");
    assert.match(await raw(socket, request), /^HTTP\/1\.1 400 /);
    const post = "POST /echo HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 1\r\n\r\n";
    assert.match(await raw(socket, `${post}1`), /^HTTP\/1\.1 400 /);
    assert.equal(await openConnections(socket), 0);
  });
});

/** Counts the server's ends of connections (unix(7): they have its path). Waits up to 5 s until there are none. */
async function openConnections(path: string): Promise<number> {
  for (let attempt = 1;; attempt++) {
    const table = await Deno.readTextFile("/proc/net/unix");
    const open = table.split("\n").filter((line) => line.endsWith(` ${path}`) && / 03 +\d+ /.test(line)).length;
    if (open === 0 || attempt === 500) return open;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
