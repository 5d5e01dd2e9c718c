/** Registries that stall a pull: it fails within a bound, with one clear line, and leaves nothing. Takes minutes. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file } from "../images/mod.ts";
import {
  clearFailure,
  pruneDownloads,
  pullGoodImage,
  type PullSetup,
  startPullSetup,
  storeChanges,
  storeListing,
} from "../pull/setup.ts";
import type { Fault } from "../registry/mod.ts";
import { requires } from "../requires.ts";

/** Five attempts of 30 seconds each, and the pauses between them. */
const BOUND_MS = 200_000;

interface Case {
  readonly name: string;
  /** `path` is relative to `/v2/<repo>/`. */
  readonly fault: Fault;
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "no-manifest",
    fault: { path: "manifests/*", fault: "hang" },
    says: /^Cannot reach registry \S+: no answer within 30 s$/,
  },
  {
    name: "slow-manifest",
    fault: { path: "manifests/*", fault: "slow", bytesPerSecond: 10 },
    says: /^Registry \S+ sent only \d+ bytes within 30 s$/,
  },
  {
    name: "no-layer",
    fault: { path: "blobs/*", after: 1, fault: "hang" },
    says: /^Cannot reach registry \S+: no answer within 30 s$/,
  },
  {
    name: "slow-layer",
    fault: { path: "blobs/*", after: 1, fault: "slow", bytesPerSecond: 10 },
    says:
      /^Cannot download blob sha256:\S+ from \S+ after \d+ of \d+ bytes, 5 attempts: Registry \S+ sent only \d+ bytes/,
  },
];

async function tryCase({ engine, registry }: PullSetup, { name, fault, says }: Case): Promise<void> {
  const image = await busyboxBuilder().layer([file("own", name.repeat(10_000))], { compression: "none" }).build();
  const reference = registry.add(name, "1", image);
  registry.fail({ ...fault, path: `/v2/${name}/${fault.path}` });
  const startedMs = performance.now();
  const line = clearFailure(await engine.tsd(["pull", reference], { timeoutMs: BOUND_MS }), name);
  assert.match(line, says, `${name} after ${Math.round((performance.now() - startedMs) / 1000)} s`);
}

Deno.test({
  name: "a pull from a stalling registry is abandoned",
  ...requires("root", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    const before = await storeListing(setup.engine);
    await Promise.all(CASES.map((each) => tryCase(setup, each)));
    await pruneDownloads(setup.engine);
    assert.deepEqual(await storeChanges(setup.engine, before), []);
  },
});
