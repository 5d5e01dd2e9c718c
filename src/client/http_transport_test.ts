import { strict as assert } from "node:assert";
import fc from "fast-check";
import { TsdError } from "../errors.ts";
import { connectorTo } from "./connection.ts";
import { HttpTransport } from "./http_transport.ts";
import { ScriptedConnection } from "./fake_engine_testing.ts";
import { parseHost } from "./host.ts";
import { readText } from "./transport.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const GET = { method: "GET", path: "/x" } as const;

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes.length === 0 ? bytes.length : sizes[turn % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

async function bodyFrom(answer: string, sizes: readonly number[] = []): Promise<string> {
  const connection = new ScriptedConnection(cut(encode(answer), sizes));
  const text = await readText(await new HttpTransport(connection.connector).request(GET));
  assert.equal(connection.closed, 1);
  return text;
}

Deno.test("client: a request carries version, host, query and JSON body", async () => {
  const connection = new ScriptedConnection([encode("HTTP/1.1 204 No Content\r\n\r\n")]);
  await readText(
    await new HttpTransport(connection.connector).request({
      method: "POST",
      path: "/containers/create",
      query: { name: "a b", platform: undefined, all: true, x: ["1", "2"] },
      body: { Image: "é" },
    }),
  );
  assert.equal(
    new TextDecoder().decode(connection.sent[0]),
    "POST /v1.50/containers/create?name=a+b&all=1&x=1&x=2 HTTP/1.1\r\nHost: tsd\r\nUser-Agent: tsd\r\n" +
      'Connection: close\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"Image":"é"}',
  );
});

Deno.test("client: bodies of fixed length, chunked and to the end, however the bytes arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "\r", "0", "é", "😀"), minLength: 1, maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 17 })),
      fc.constantFrom("fixed", "chunked", "close"),
      async (parts, sizes, framing) => {
        const text = parts.join("");
        const length = encode(text).length;
        const body = framing === "chunked"
          ? parts.map((part) => `${encode(part).length.toString(16)};x=1\r\n${part}\r\n`).join("") +
            "0\r\nTrailer: 1\r\n\r\n"
          : text;
        const header =
          { fixed: `Content-Length: ${length}`, chunked: "Transfer-Encoding: chunked", close: "A: b" }[framing];
        assert.equal(await bodyFrom(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`, sizes), text);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("client: an answer that is cut off is an error, not a short body", async () => {
  for (
    const answer of [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
      "HTTP/1.1 200 OK\r\nA: b",
      "",
      "SSH-2.0-OpenSSH_9.2\r\n",
    ]
  ) {
    await assert.rejects(
      bodyFrom(answer),
      (thrown) => thrown instanceof TsdError && thrown.code === "engine_unavailable",
    );
  }
});

Deno.test("client: errors keep the engine's message, its code, and otherwise the status's", async () => {
  const fail = async (head: string, body: string) => {
    const answer = `HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const connection = new ScriptedConnection([encode(answer)]);
    const thrown = await new HttpTransport(connection.connector).request(GET).catch((error) => error);
    assert(thrown instanceof TsdError);
    assert.equal(connection.closed, 1);
    return [thrown.code, thrown.message];
  };
  assert.deepEqual(await fail("404 Not Found\r\nTsd-Error-Code: image_not_found", '{"message":"No such image: a:b"}'), [
    "image_not_found",
    "No such image: a:b",
  ]);
  assert.deepEqual(await fail("409 Conflict\r\nTsd-Error-Code: toString", '{"message":"busy"}'), ["conflict", "busy"]);
  assert.deepEqual(await fail("500 X", "plain\ntext"), ["internal", "plain"]);
  assert.deepEqual(await fail("400 X", '{"message":"exec: \\"a\\": executable file not found in $PATH"}'), [
    "command_not_found",
    'exec: "a": executable file not found in $PATH',
  ]);
});

Deno.test("client: names can't smuggle a second request", async () => {
  const connection = new ScriptedConnection([]);
  await assert.rejects(
    new HttpTransport(connection.connector).request({ method: "GET", path: "/x HTTP/1.1\r\nEvil: 1" }),
    /line break/,
  );
  assert.deepEqual(connection.sent, []);
});

async function withServer(serve: (conn: Deno.Conn) => Promise<void>, run: (client: HttpTransport) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    const serving = (async () => {
      using conn = await listener.accept();
      await serve(conn);
    })();
    await run(new HttpTransport(connectorTo(parseHost(`unix://${path}`))));
    await serving;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function readAvailable(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const count = await conn.read(buffer);
  return count === null ? "" : new TextDecoder().decode(buffer.subarray(0, count));
}

Deno.test("client: a hijacked connection is raw in both directions and can be half-closed", async () => {
  await withServer(async (conn) => {
    assert.match(await readAvailable(conn), /^POST .*\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/s);
    const type = "Content-Type: application/vnd.docker.multiplexed-stream";
    await conn.write(encode(`HTTP/1.1 101 UPGRADED\r\n${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly `));
    let input = "";
    for (let part = await readAvailable(conn); part !== ""; part = await readAvailable(conn)) input += part;
    await conn.write(encode(`got ${input}`));
  }, async (client) => {
    using stream = await client.hijack({ method: "POST", path: "/containers/x/attach" });
    assert.equal(stream.multiplexed, true);
    assert.equal(await stream.write(encode("hello")), true);
    await stream.closeWrite();
    assert.equal(await readText({ body: stream.output }), "early got hello");
  });
});

Deno.test("client: a signal ends a waiting request, a time limit only its head", async () => {
  await withServer(async (conn) => {
    await readAvailable(conn);
    assert.equal(await readAvailable(conn), "");
  }, async (client) => {
    const abort = new AbortController();
    const pending = client.request({ ...GET, signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(pending, (thrown) => thrown instanceof TsdError && thrown.code === "cancelled");
  });
  await withServer(async (conn) => {
    await readAvailable(conn);
    await conn.write(encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"));
    await new Promise((resolve) => setTimeout(resolve, 150));
    await conn.write(encode("ok"));
  }, async (client) => {
    assert.equal(await readText(await client.request({ ...GET, timeoutMs: 100 })), "ok");
  });
  await withServer(async (conn) => {
    await readAvailable(conn);
    assert.equal(await readAvailable(conn), "");
  }, async (client) => {
    const pending = client.request({ ...GET, timeoutMs: 20 });
    await assert.rejects(pending, (thrown) => thrown instanceof TsdError && thrown.code === "timeout");
  });
});

/** All that a connection sends until `end` is in it. */
async function readUntil(conn: Deno.Conn, end: string): Promise<string> {
  let text = "";
  while (!text.includes(end)) text += await readAvailable(conn);
  return text;
}

const PUT = { method: "PUT", path: "/x" } as const;
const OK = encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

Deno.test("client: an upload goes in chunks, as it comes", async () => {
  await withServer(async (conn) => {
    const text = await readUntil(conn, "0\r\n\r\n");
    const head =
      "PUT /v1.50/x HTTP/1.1\r\nHost: tsd\r\nUser-Agent: tsd\r\nConnection: close\r\nTransfer-Encoding: chunked";
    assert.equal(text, `${head}\r\n\r\n5\r\nfirst\r\n3\r\ntwo\r\n0\r\n\r\n`);
    await conn.write(OK);
  }, async (client) => {
    const upload = (async function* () {
      yield encode("first");
      yield encode("");
      await new Promise((resolve) => setTimeout(resolve, 10));
      yield encode("two");
    })();
    assert.equal(await readText(await client.request({ ...PUT, upload })), "ok");
  });
});

Deno.test("client: an engine may answer before an upload's end; then the source is given up", async () => {
  const abandoned = Promise.withResolvers<void>();
  const endless = (async function* () {
    try {
      for (;;) yield new Uint8Array(1 << 20);
    } finally {
      abandoned.resolve();
    }
  })();
  await withServer(async (conn) => {
    await readAvailable(conn);
    await conn.write(encode('HTTP/1.1 400 Bad\r\nContent-Length: 17\r\n\r\n{"message":"why"}'));
    while (await conn.read(new Uint8Array(1 << 20)) !== null);
  }, async (client) => {
    await assert.rejects(client.request({ ...PUT, upload: endless }), /^TsdError: why$/);
    await abandoned.promise;
  });
  // The same from one that closes at once.
  await withServer(async (conn) => {
    await readAvailable(conn);
    await conn.write(encode('HTTP/1.1 400 Bad\r\nContent-Length: 17\r\n\r\n{"message":"why"}'));
  }, async (client) => {
    const chunks = Array.from({ length: 64 }, () => new Uint8Array(1 << 20));
    await assert.rejects(client.request({ ...PUT, upload: ReadableStream.from(chunks) }), /^TsdError: why$/);
  });
});

Deno.test("client: a source that fails ends the request with its own error", async () => {
  await withServer(async (conn) => {
    while (await conn.read(new Uint8Array(1 << 16)) !== null);
  }, async (client) => {
    const upload = (async function* () {
      yield encode("part");
      await Promise.resolve();
      throw new TsdError("storage", "the disk is gone");
    })();
    await assert.rejects(client.request({ ...PUT, upload }), { code: "storage", message: "the disk is gone" });
  });
});
