import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { Query } from "../http/query.ts";
import type { ApiRequest } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import type { ProgressMessage } from "../../api_types/mod.ts";
import { imageArchiveRoutes } from "./image_archives.ts";

const LOADED = { stream: "Loaded image: app:1\n" };

/** Calls `POST /images/load` with an upload of ten chunks. Returns the outcome, and how many chunks were read. */
async function load(messages: (source: AsyncIterable<Uint8Array>) => AsyncIterable<ProgressMessage>) {
  let taken = 0;
  const request = {
    ...{ params: {}, query: new Query(new URLSearchParams()), version: "1.50", header: () => undefined },
    signal: new AbortController().signal,
    async *upload() {
      for (; taken < 10; taken++) yield await Promise.resolve(new Uint8Array(1));
    },
  } as unknown as ApiRequest;
  const engine = { images: { loader: { load: messages } } } as unknown as Engine;
  const route = imageArchiveRoutes(engine).find(({ path }) => path === "/images/load")!;
  const [outcome] = await Promise.allSettled([route.handler(request)]);
  if (outcome!.status === "rejected") return { thrown: outcome.reason, taken };
  const reply = outcome!.value;
  assert.ok(reply.kind === "stream");
  const decoder = new TextDecoder();
  return { text: (await Array.fromAsync(reply.body, (chunk) => decoder.decode(chunk))).join(""), taken };
}

/** Reads one chunk of the upload, yields the messages, and fails. */
const failing = (code: ErrorCode, ...messages: ProgressMessage[]) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<ProgressMessage> {
    await source[Symbol.asyncIterator]().next();
    yield* messages;
    throw new TsdError(code, "what is wrong");
  };

Deno.test("load: an error before the first message has a status, after the whole archive was received", async () => {
  for (
    const [code, expected] of [
      ["archive_invalid", "invalid_argument"],
      ["layer_invalid", "invalid_argument"],
      ["invalid_reference", "invalid_reference"],
      ["storage_full", "storage_full"],
    ] as const
  ) {
    const { thrown, taken } = await load(failing(code));
    assert.ok(isTsdError(thrown, expected) && thrown.message === "what is wrong", code);
    assert.equal(taken, 10, code);
  }
});

Deno.test("load: a later error is reported in the stream", async () => {
  const { text } = await load(failing("layer_invalid", LOADED));
  const failure = { errorDetail: { message: "what is wrong", tsdCode: "layer_invalid" }, error: "what is wrong" };
  assert.equal(text, `${JSON.stringify(LOADED)}\r\n${JSON.stringify(failure)}\r\n`);
});
