import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { collectBytes, verified } from "../../io/mod.ts";
import { hexOf } from "../digest.ts";
import type { Descriptor } from "../manifest.ts";
import {
  type FakeRegistry,
  fastLimitsClient,
  type Handler,
  putBlob,
  startRegistry,
  truncatedResponse,
} from "./registry_testing.ts";
import type { RegistryLimits } from "./mod.ts";
import { pauseMs, retryAfterMs } from "./retry.ts";

const BLOB = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);
const EXTERNAL = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

interface Attempt {
  readonly registry: FakeRegistry;
  readonly blob: Descriptor;
  read(options?: { offset?: number; signal?: AbortSignal; limits?: Partial<RegistryLimits> }): Promise<Uint8Array>;
}

async function withBlob(wrap: Handler, body: (attempt: Attempt) => Promise<void>, mediaType = "application/x") {
  await using registry = startRegistry(wrap);
  const blob = await putBlob(registry, BLOB, mediaType);
  await body({
    registry,
    blob,
    async read({ limits, ...options } = {}) {
      const client = fastLimitsClient(limits === undefined ? {} : { limits });
      const { stream } = await client.openBlob(registry.ref("web"), blob, options);
      return await collectBytes(stream, { maxBytes: 1 << 20, what: "blob" });
    },
  });
}

const rejects = (work: Promise<unknown>, code: ErrorCode, pattern: RegExp) =>
  assert.rejects(work, (error: Error) => {
    assert.ok(isTsdError(error), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });
const rangeOf = (request: { headers: Headers }) => request.headers.get("range");

Deno.test("a blob, complete and from an offset", () =>
  withBlob((_, answer) => answer(), async ({ read }) => {
    assert.deepEqual(await read(), BLOB);
    assert.deepEqual(await read({ offset: 1000 }), BLOB.slice(1000));
  }));

Deno.test("a download resumes at the offset where its connection was lost", () =>
  withBlob((request, answer) => {
    const from = Number(rangeOf(request)?.match(/\d+/)?.[0] ?? 0);
    return from === 0 ? truncatedResponse(BLOB.slice(0, 100_000), BLOB.length) : answer();
  }, async ({ read, registry }) => {
    assert.deepEqual(await read(), BLOB);
    assert.deepEqual(registry.requests.map(rangeOf), [null, "bytes=100000-"]);
  }));

/** Unusable responses to a range request. */
const BAD_RANGES: Record<string, (from: number) => Response> = {
  "200 to Range": () => new Response(BLOB),
  "416": () => new Response(null, { status: 416 }),
  "no Content-Range": (from) => new Response(BLOB.slice(from), { status: 206 }),
  "a Content-Range that starts too late": (from) =>
    new Response(BLOB.slice(from + 9), {
      status: 206,
      headers: { "content-range": `bytes ${from + 9}-299999/300000` },
    }),
  "a Content-Range that starts too early": (from) =>
    new Response(BLOB.slice(from - 9), {
      status: 206,
      headers: { "content-range": `bytes ${from - 9}-299999/300000` },
    }),
  "a Content-Range of another size": (from) =>
    new Response(BLOB.slice(from), { status: 206, headers: { "content-range": "bytes 0-9/10" } }),
};

for (const [name, answerRange] of Object.entries(BAD_RANGES)) {
  Deno.test(`${name}: delivered bytes are skipped, and the content is correct`, () => {
    let cuts = 0;
    return withBlob((request, answer) => {
      const from = Number(rangeOf(request)?.match(/\d+/)?.[0] ?? 0);
      if (from > 0) return answerRange(from);
      return cuts++ === 0 ? truncatedResponse(BLOB.slice(0, 100_000), BLOB.length) : answer();
    }, async ({ read }) => assert.deepEqual(await read(), BLOB));
  });
}

Deno.test("the content is correct wherever and however often the connection is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 70_000, max: 150_000 }), { maxLength: 3 }),
      fc.boolean(),
      async (cuts, ranges) => {
        const remainingCuts = [...cuts];
        await withBlob((request, answer) => {
          const from = ranges ? Number(rangeOf(request)?.match(/\d+/)?.[0] ?? 0) : 0;
          const cut = remainingCuts.shift();
          if (cut === undefined) return ranges ? answer() : new Response(BLOB);
          const part = BLOB.slice(from, from + cut);
          const broken = truncatedResponse(part, BLOB.length - from);
          if (from === 0) return broken;
          const headers = {
            "content-range": `bytes ${from}-299999/300000`,
            "content-length": String(BLOB.length - from),
          };
          return new Response(broken.body, { status: 206, headers });
        }, async ({ read }) => assert.deepEqual(await read({ limits: { attempts: 6 } }), BLOB));
      },
    ),
    { numRuns: 12 },
  );
});

Deno.test("a server without progress fails after a few attempts, with a one-line error", () =>
  withBlob((request, answer) => {
    const from = Number(rangeOf(request)?.match(/\d+/)?.[0] ?? 0);
    if (from === 0) return truncatedResponse(BLOB.slice(0, 10), BLOB.length);
    return from === 10 ? Response.json({}, { status: 503 }) : answer();
  }, async ({ read, registry }) => {
    await rejects(
      read(),
      "registry_unreachable",
      /^Cannot download blob sha256:.* after 10 of 300000 bytes, 3 attempts: /,
    );
    assert.equal(registry.requests.length, 3);
  }));

Deno.test("a stalled or very slow server is a timeout", async () => {
  for (const everyMs of [100, 10_000]) {
    const timers: ReturnType<typeof setInterval>[] = [];
    const trickle = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(BLOB.slice(0, 5));
            timers.push(setInterval(() => controller.enqueue(BLOB.slice(5, 6)), everyMs));
          },
          cancel: () => timers.forEach(clearInterval),
        }),
        { headers: { "content-length": String(BLOB.length) } },
      );
    await withBlob(trickle, async ({ read }) => {
      await rejects(read({ limits: { attempts: 1 } }), "timeout", /sent only \d+ bytes within 1 s$/);
    });
    timers.forEach(clearInterval);
  }
});

Deno.test("a slow reader is not mistaken for a stalled server", () =>
  withBlob((_, answer) => answer(), async ({ registry, blob }) => {
    const { stream } = await fastLimitsClient({ limits: { idleMs: 50 } }).openBlob(registry.ref("web"), blob);
    const reader = stream.getReader();
    let received = 0;
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) break;
      received += value.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.equal(received, BLOB.length);
  }));

Deno.test("503 and 429 are retried; Retry-After is respected up to a limit", async () => {
  let answers = [503, 429];
  let retryAfter = "0";
  await withBlob((_, answer) => {
    const status = answers.shift();
    return status === undefined ? answer() : new Response(null, { status, headers: { "retry-after": retryAfter } });
  }, async ({ read, registry }) => {
    assert.deepEqual(await read(), BLOB);
    assert.equal(registry.requests.length, 3);
    answers = [429];
    retryAfter = "1";
    const startedMs = performance.now();
    await read();
    assert.ok(performance.now() - startedMs >= 990);
    answers = [429];
    retryAfter = "3600";
    await rejects(read(), "registry_unreachable", /takes no more requests for now \(429\)/);
    answers = Array(100).fill(503);
    retryAfter = "";
    await rejects(read(), "registry_unreachable", /answered 503/);
    assert.equal(answers.length, 97);
  });
});

Deno.test("a missing blob, and one of another size", () =>
  withBlob((_, answer) => answer(), async ({ read, registry, blob }) => {
    registry.content.get(`blobs/${blob.digest}`)!.bytes = BLOB.slice(1);
    await rejects(read(), "size_mismatch", /size is 299999, expected 300000/);
    registry.content.clear();
    await rejects(read(), "registry_protocol", /does not have it: blob unknown: blob unknown$/);
  }));

Deno.test("a short body without a length ends early, and verified reports it", () =>
  withBlob(() => new Response(new Blob([BLOB.slice(0, 1000)]).stream()), async ({ registry, blob, read }) => {
    assert.equal((await read()).length, 1000);
    const { stream } = await fastLimitsClient().openBlob(registry.ref("web"), blob);
    const checked = verified(stream, { sizeBytes: blob.sizeBytes, digestHex: hexOf(blob.digest), what: "blob" });
    await rejects(collectBytes(checked, { maxBytes: 1 << 20, what: "blob" }), "size_mismatch", /size is 1000/);
  }));

Deno.test("bytes are passed through unchanged, whatever the Content-Encoding", async () => {
  const packed = new Uint8Array(gzipSync("hello"));
  await using registry = startRegistry(() => new Response(packed, { headers: { "content-encoding": "gzip" } }));
  const blob = await putBlob(registry, packed, "application/x");
  const { stream } = await fastLimitsClient().openBlob(registry.ref("web"), blob);
  assert.deepEqual(await collectBytes(stream, { maxBytes: 100, what: "blob" }), packed);
});

Deno.test("cancelling closes the stream and the connection", async () => {
  let removed = false;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (!removed) controller.enqueue(BLOB.slice(0, 1000));
        },
        cancel() {
          removed = true;
        },
      }),
    );
  await withBlob(endless, async ({ read, registry, blob }) => {
    const abort = new AbortController();
    const reading = read({ signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await rejects(reading, "cancelled", /cancelled/);
    for (let i = 0; !removed && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(removed, "the server noticed");
    removed = false;
    const { stream } = await fastLimitsClient().openBlob(registry.ref("web"), blob);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    for (let i = 0; !removed && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(removed, "the server noticed the reader leaving");
  });
});

Deno.test("a foreign layer is fetched from its URL, without credentials and not from forbidden hosts", async () => {
  await using store = startRegistry(() => new Response(BLOB));
  await withBlob((_, answer) => answer(), async ({ registry, blob }) => {
    registry.content.clear();
    const read = async (descriptor: Descriptor) => {
      const { stream } = await fastLimitsClient().openBlob(registry.ref("web"), descriptor);
      return await collectBytes(stream, { maxBytes: 1 << 20, what: "blob" });
    };
    const urls = ["nonsense", `http://${store.host}/layer`];
    assert.deepEqual(await read({ ...blob, urls }), BLOB);
    assert.equal(store.requests[0].headers.get("authorization"), null);
    await rejects(read({ ...blob, urls, mediaType: "application/x" }), "registry_protocol", /does not have it/);
    const evil = { ...blob, urls: ["http://169.254.169.254/"] };
    await rejects(read(evil), "registry_protocol", /Refusing a layer URL/);
  }, EXTERNAL);
});

Deno.test("delays between attempts", () => {
  const limits = {
    responseMs: 1,
    idleMs: 1,
    idleBytes: 1,
    documentMs: 1,
    attempts: 4,
    firstPauseMs: 100,
    longestPauseMs: 300,
  };
  const near = (pause: number | undefined, ms: number) =>
    assert.ok(pause! >= ms * 0.75 && pause! <= ms * 1.25, `${pause}`);
  near(pauseMs(1, limits), 100);
  near(pauseMs(2, limits), 200);
  assert.equal(pauseMs(3, limits), 300);
  assert.equal(pauseMs(4, limits), undefined);
  assert.equal(pauseMs(1, limits, 250), 250);
  assert.equal(pauseMs(1, limits, 301), undefined);
  const headers = (value: string) => new Headers({ "retry-after": value });
  assert.equal(retryAfterMs(headers("7")), 7000);
  assert.equal(retryAfterMs(headers("Thu, 01 Jan 1970 00:00:10 GMT"), 4000), 6000);
  assert.equal(retryAfterMs(headers("soon")), 0);
  assert.equal(retryAfterMs(new Headers()), 0);
});
