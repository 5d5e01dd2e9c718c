import "../../sys/preopen_testing.ts";
import { strict as assert } from "node:assert";
import { listenAt } from "../../engine/lifecycle/socket.ts";
import { TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type HookContexts, type PluginHooks } from "../../plugins/mod.ts";
import { MAX_JSON_BODY_BYTES } from "./body.ts";
import { empty, json } from "./reply.ts";
import type { Route } from "./route.ts";
import { ApiServer } from "./server.ts";

/** What handlers have received; nothing of refused requests. */
const done: string[] = [];

const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/echo/{id}",
    since: "1.24",
    atOnce: { header: "and-start", route: "/echo/{id}/start" },
    handler: async (request) => {
      done.push(JSON.stringify(await request.json() ?? null));
      return json({}, 201);
    },
  },
  {
    method: "PUT",
    path: "/upload",
    since: "1.24",
    handler: async ({ upload }) => {
      let bytes = 0;
      for await (const chunk of upload()) bytes += chunk.length;
      done.push(`${bytes} bytes`);
      return empty();
    },
  },
  { method: "POST", path: "/auth", since: "1.24", handler: async (request) => json(await request.json()) },
  {
    method: "GET",
    path: "/lost",
    since: "1.24",
    handler: () => {
      throw new TsdError("not_found", "No such thing");
    },
  },
  {
    method: "POST",
    path: "/raw",
    since: "1.24",
    handler: async (request) => {
      done.push(`raw ${JSON.stringify(await request.json() ?? null)}`);
      return { kind: "hijack", contentType: "x", run: ({ input }) => input.cancel() };
    },
  },
];

async function withServer(hooks: PluginHooks, use: (socket: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  done.length = 0;
  const server = new ApiServer({
    ...{ routes: ROUTES, serverVersion: "1", log: SILENT_LOG },
    hooks: new HookBus([{ name: "door", apiVersion: 1, hooks }], SILENT_LOG),
  });
  try {
    await server.listen(listenAt(`${dir}/s`).take());
    await use(`${dir}/s`);
  } finally {
    await server.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Sends a request. Returns the raw response. */
async function send(socket: string, head: readonly string[], body: string | Uint8Array = ""): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  const [first, ...headers] = head;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const length = headers.some((each) => /^transfer-encoding/i.test(each)) ? [] : [`Content-Length: ${bytes.length}`];
  const text = [`${first} HTTP/1.1`, "Host: x", "Connection: close", ...headers, ...length, "", ""].join("\r\n");
  const all = new Uint8Array([...new TextEncoder().encode(text), ...bytes]);
  const reading = new Response(connection.readable).text();
  for (let at = 0; at < all.length;) {
    at += await connection.write(all.subarray(at)).catch(() => all.length);
  }
  return await reading;
}

const JSON_TYPE = "Content-Type: application/json";

Deno.test("a plugin sees the whole request without secrets before the handler runs", async () => {
  const contexts: HookContexts["api.request"][] = [];
  await withServer({ "api.request": (context) => void contexts.push(context) }, async (socket) => {
    const secrets = ["X-Registry-Auth: secret", "Authorization: secret", "Cookie: secret"];
    const answer = await send(
      socket,
      ["POST /v1.41/echo/%61b?n=1&n=2&m=", JSON_TYPE, "X-Mine: 1", ...secrets],
      '{"a":1}',
    );
    assert.match(answer, /^HTTP\/1\.1 201/);
    assert.deepEqual(done, ['{"a":1}']);
    const { headers, ...rest } = contexts[0]!;
    assert.deepEqual(rest, {
      ...{ method: "POST", path: "/echo/%61b", route: "/echo/{id}", params: { id: "ab" } },
      ...{ query: { n: ["1", "2"], m: [""] }, body: '{"a":1}', bodyEncoding: "text" },
    });
    assert.equal(headers["x-mine"], "1");
    assert.ok(!JSON.stringify(headers).includes("secret"));
    await send(socket, ["POST /auth", JSON_TYPE], '{"password":"secret"}');
    assert.deepEqual([contexts[1]!.body, contexts[1]!.bodyEncoding], [undefined, "secret"]);
  });
});

Deno.test("a plugin sees and may refuse the second step of a request with two steps", async () => {
  const contexts: HookContexts["api.request"][] = [];
  const guard: PluginHooks = {
    "api.request": (context) => {
      contexts.push(context);
      return context.route === "/echo/{id}/start" ? { refuse: "no starts" } : undefined;
    },
  };
  await withServer(guard, async (socket) => {
    assert.match(
      await send(socket, ["POST /v1.50/echo/%61b?n=1", JSON_TYPE, "And-Start: 1"], "[1]"),
      /^HTTP\/1\.1 403/,
    );
    assert.deepEqual(done, []);
    const { headers: _, ...second } = contexts[1]!;
    assert.deepEqual(second, {
      ...{ method: "POST", path: "/echo/ab/start", route: "/echo/{id}/start", params: { id: "ab" } },
      ...{ query: {}, bodyEncoding: "none" },
    });
    assert.match(await send(socket, ["POST /v1.50/echo/%61b?n=1", JSON_TYPE], "[1]"), /^HTTP\/1\.1 201/);
  });
});

Deno.test("plugins see chunked, empty and binary bodies, also of uploads and upgrades", async () => {
  const contexts: string[] = [];
  const look: PluginHooks = {
    "api.request": ({ body, bodyEncoding }) => void contexts.push(`${bodyEncoding} ${body ?? ""}`),
  };
  await withServer(look, async (socket) => {
    const chunked = "4\r\n[1,2\r\n3\r\n,3]\r\n0\r\n\r\n";
    await send(socket, ["POST /echo/x", JSON_TYPE, "Transfer-Encoding: chunked"], chunked);
    await send(socket, ["POST /echo/x", JSON_TYPE]);
    await send(socket, ["PUT /upload"], new Uint8Array([0xff, 0xfe, 0]));
    const upgrade = ["Connection: Upgrade", "Upgrade: tcp"];
    assert.match(await send(socket, ["POST /raw", JSON_TYPE, ...upgrade], "[7]"), /^HTTP\/1\.1 101/);
    assert.deepEqual(contexts, ["text [1,2,3]", "none ", "base64 //4A", "text [7]"]);
    assert.deepEqual(done, ["[1,2,3]", "null", "3 bytes", "raw [7]"]);
    const hidden = await send(
      socket,
      ["POST /raw", JSON_TYPE, ...upgrade, "Transfer-Encoding: chunked"],
      "3\r\n[8]\r\n0\r\n\r\n",
    );
    assert.match(hidden, /^HTTP\/1\.1 400/);
    const both = ["POST /echo/x", JSON_TYPE, "Content-Length: 0", "Transfer-Encoding: chunked"];
    assert.match(await send(socket, both, chunked), /^HTTP\/1\.1 400/);
    assert.equal(done.length, 4, "what can't be shown isn't done");
  });
});

Deno.test("a refused request has no effect, nor one whose body is too large to pass to plugins", async () => {
  const guard: PluginHooks = {
    "api.request": ({ route }) => route === "/upload" ? undefined : { refuse: "not you" },
  };
  await withServer(guard, async (socket) => {
    const refused = await send(socket, ["POST /echo/x", JSON_TYPE], "{}");
    assert.match(refused, /^HTTP\/1\.1 403/);
    assert.match(refused, /Plugin door refused \(api\.request\): not you/);
    const large = await send(socket, ["PUT /upload"], new Uint8Array(MAX_JSON_BODY_BYTES + 1));
    assert.match(large, /^HTTP\/1\.1 403/);
    assert.match(large, /too large to be shown/);
    assert.deepEqual(done, []);
  });
});

Deno.test("without a subscriber bodies are not buffered; responses are reported by route", async () => {
  const reported: string[] = [];
  const observe: PluginHooks = {
    "api.answered": ({ method, route, status }) => void reported.push(`${method} ${route} ${status}`),
  };
  await withServer(observe, async (socket) => {
    assert.match(await send(socket, ["PUT /upload"], new Uint8Array(MAX_JSON_BODY_BYTES + 1)), /^HTTP\/1\.1 204/);
    await send(socket, ["GET /lost"]);
    await send(socket, ["GET /nowhere"]);
    await send(socket, ["POST /raw", JSON_TYPE, "Connection: Upgrade", "Upgrade: tcp"]);
    assert.deepEqual(reported, ["PUT /upload 204", "GET /lost 404", "GET  404", "POST /raw 101"]);
  });
});
