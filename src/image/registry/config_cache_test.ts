import { strict as assert } from "node:assert";
import { isTsdError, toTsdError } from "../../errors.ts";
import { digestOfHex } from "../digest.ts";
import { ConfigCache } from "./config_cache.ts";

const described = (index: number, sizeBytes = 1) => ({
  digest: digestOfHex(index.toString(16).padStart(64, "0")),
  sizeBytes,
});
const CONFIG = described(1000);

/** A fetch function that the test controls; counts its calls. */
class Source {
  count = 0;
  aborted = 0;
  #answer = Promise.withResolvers<Uint8Array<ArrayBuffer>>();

  readonly fetch = (signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    this.count++;
    signal.addEventListener("abort", () => {
      this.aborted++;
      this.#answer.reject(toTsdError(signal.reason));
    });
    return this.#answer.promise;
  };

  answer(sizeBytes = 1): void {
    this.#answer.resolve(new Uint8Array(sizeBytes));
  }

  fail(error: Error): void {
    this.#answer.reject(error);
  }
}

Deno.test("concurrent and later callers share one request", async () => {
  const cache = new ConfigCache();
  const source = new Source();
  const both = Promise.all([1, 2].map(() => cache.get("a", CONFIG, source.fetch)));
  source.answer();
  const [first, second] = await both;
  assert.equal(first, second);
  assert.equal(await cache.get("b", CONFIG, source.fetch), first);
  assert.equal(source.count, 1);
});

Deno.test("a request is cancelled when its last caller leaves, not earlier", async () => {
  const cache = new ConfigCache();
  const source = new Source();
  const [leaving, last] = [new AbortController(), new AbortController()];
  const first = cache.get("a", CONFIG, source.fetch, leaving.signal);
  const second = cache.get("a", CONFIG, source.fetch, last.signal);
  leaving.abort();
  await assert.rejects(first, (thrown) => isTsdError(thrown, "cancelled"));
  assert.equal(source.aborted, 0);
  last.abort();
  await assert.rejects(second, (thrown) => isTsdError(thrown, "cancelled"));
  assert.equal(source.aborted, 1);
  const lastSource = new Source();
  lastSource.answer();
  assert.equal((await cache.get("a", CONFIG, lastSource.fetch)).length, 1);
});

Deno.test("a failure is reported to all callers of its source, and not cached", async () => {
  const cache = new ConfigCache();
  const [broken, working] = [new Source(), new Source()];
  const waiting = [1, 2].map(() => assert.rejects(cache.get("a", CONFIG, broken.fetch), /broken/));
  working.answer();
  assert.equal((await cache.get("b", CONFIG, working.fetch)).length, 1);
  broken.fail(new Error("broken"));
  await Promise.all(waiting);
});

Deno.test("large and old configs are not cached", async () => {
  const cache = new ConfigCache();
  let count = 0;
  const fetched = (sizeBytes: number) => () => {
    count++;
    return Promise.resolve(new Uint8Array(sizeBytes));
  };
  for (let repeat = 0; repeat < 2; repeat++) await cache.get("a", described(1, 100_000), fetched(100_000));
  assert.equal(count, 2);
  for (let index = 0; index < 40; index++) await cache.get("a", described(index), fetched(1));
  count = 0;
  await cache.get("a", described(39), fetched(1));
  assert.equal(count, 0);
  await cache.get("a", described(0), fetched(1));
  assert.equal(count, 1);
});

Deno.test("a cached config with another size is fetched again", async () => {
  const cache = new ConfigCache();
  await cache.get("a", CONFIG, () => Promise.resolve(new Uint8Array(1)));
  const requested = cache.get("a", { ...CONFIG, sizeBytes: 2 }, () => Promise.reject(new Error("size")));
  await assert.rejects(requested, /size/);
});
