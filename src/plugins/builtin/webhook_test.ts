import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { HookBus } from "../hook_bus.ts";
import { parseWebhookConfig, webhook, type WebhookCalls, type WebhookConfig } from "./webhook.ts";

const CONTAINER = { id: "c1", name: "web", image: "busybox", imageId: "sha256:1", labels: {} };
const EXITED = { ...CONTAINER, exitCode: 3, ranMs: 12, oomKilled: false };

interface Received {
  readonly url: string;
  readonly headers: Headers;
  readonly body: { readonly id: string; readonly hook: string; readonly context: Record<string, unknown> };
}

/** Sets up a webhook whose posts are answered with the given statuses in order; 0 fails to connect. */
function fixture(config: Partial<WebhookConfig>, statuses: readonly number[] = []) {
  const received: Received[] = [];
  const waited: number[] = [];
  const lines: string[] = [];
  const rest = [...statuses];
  const calls: WebhookCalls = {
    fetch: async (url, { headers, body, redirect }) => {
      await Promise.resolve();
      assert.equal(redirect, "manual");
      const status = rest.shift() ?? 204;
      if (status === 0) throw new TypeError(`error sending request for url (${url})`);
      received.push({ url, headers: new Headers(headers), body: JSON.parse(String(body)) });
      return new Response(null, { status });
    },
    wait: (ms) => Promise.resolve(void waited.push(ms)),
    now: () => 0,
  };
  const plugin = webhook(
    { url: "http://127.0.0.1:9/x?secret", ...config },
    new LineLog((line) => lines.push(line)),
    calls,
  );
  return { bus: new HookBus([plugin], SILENT_LOG), received, waited, lines };
}

Deno.test("hooks are posted in order with the configured headers", async () => {
  const { bus, received } = fixture({ headers: { "X-Mine": "1" } });
  bus.callParallel("container.started", () => ({ ...CONTAINER, pid: 7, replayed: false }));
  bus.callParallel("container.exited", () => EXITED);
  assert.equal(
    bus.isSubscribed("log.line") || bus.isSubscribed("api.answered") || bus.isSubscribed("api.request"),
    false,
  );
  await bus[Symbol.asyncDispose]();
  assert.deepEqual(received.map(({ body }) => body.hook), ["container.started", "container.exited"]);
  const [, { url, headers, body }] = received as [Received, Received];
  assert.equal(url, "http://127.0.0.1:9/x?secret");
  assert.deepEqual([headers.get("x-mine"), headers.get("content-type")], ["1", "application/json"]);
  assert.deepEqual(body, { id: body.id, time: "1970-01-01T00:00:00.000Z", hook: "container.exited", context: EXITED });
});

Deno.test("only the configured hooks are posted, and the plugin answers none of them", async () => {
  const { bus, received } = fixture({ hooks: ["container.exec"] });
  bus.callParallel("container.exited", () => EXITED);
  await bus.callSequential("container.exec", () => ({
    ...CONTAINER,
    ...{ command: ["true"], user: "", workingDir: "", tty: false, privileged: false },
  }));
  await bus[Symbol.asyncDispose]();
  assert.deepEqual(received.map(({ body }) => body.hook), ["container.exec"]);
});

Deno.test("temporary failures are retried with growing delays, permanent ones are not", async () => {
  const passing = fixture({}, [0, 503, 429, 200]);
  passing.bus.callParallel("container.exited", () => EXITED);
  await passing.bus[Symbol.asyncDispose]();
  assert.deepEqual([passing.waited, passing.received.length, passing.lines], [[500, 1000, 2000], 3, []]);
  const lasting = fixture({ attempts: 2 }, [0, 0]);
  lasting.bus.callParallel("container.exited", () => EXITED);
  await lasting.bus[Symbol.asyncDispose]();
  assert.deepEqual(lasting.waited, [500]);
  assert.match(lasting.lines[0]!, /a post came to nothing hook=container\.exited attempts=2 why=/);
  assert.ok(!lasting.lines[0]!.includes("secret"), "the URL may have one");
  const refused = fixture({}, [404]);
  refused.bus.callParallel("container.exited", () => EXITED);
  await refused.bus[Symbol.asyncDispose]();
  assert.match(refused.lines[0]!, /attempts=1 why="status 404"/);
});

Deno.test("a receiver that hangs delays nothing, and posts beyond the queue's limit are dropped", async () => {
  const lines: string[] = [];
  let posts = 0;
  const hanging: WebhookCalls = {
    fetch: (_url, { signal }) => {
      posts++;
      return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
    },
    wait: () => Promise.resolve(),
    now: () => 0,
  };
  const log = new LineLog((line) => lines.push(line));
  const bus = new HookBus([webhook({ url: "http://127.0.0.1:9", attempts: 1 }, log, hanging)], SILENT_LOG);
  for (let at = 0; at < 1100; at++) bus.callParallel("container.exited", () => EXITED);
  await bus[Symbol.asyncDispose]();
  assert.equal(posts, 1);
  assert.match(lines.join("\n"), /too much waits to be posted/);
  assert.match(lines.join("\n"), /posts were dropped count=99/);
});

Deno.test("an error about the configuration names the field", () => {
  const url = "http://127.0.0.1:9/";
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[], /the value is no object/],
    [{}, /url is missing/],
    [{ url: "ftp://x" }, /url is no http/],
    [{ url, hooks: [] }, /hooks is empty/],
    [{ url, hooks: ["container.dreams"] }, /hooks\[0\] is none of image\.beforePull/],
    [{ url, headers: { "a b": "secret" } }, /headers has a name or a value that no header can have/],
    [{ url, attempts: 11 }, /attempts is not from 1 to 10/],
    [{ url, timeoutMs: 1 }, /timeoutMs is not from 100 to 60000/],
    [{ url, other: 1 }, /other is no field that is known/],
  ];
  for (const [config, message] of wrong) {
    assert.throws(
      () => parseWebhookConfig(config),
      (thrown) =>
        isTsdError(thrown, "invalid_argument") && message.test(thrown.message) && !thrown.message.includes("secret"),
    );
  }
});
