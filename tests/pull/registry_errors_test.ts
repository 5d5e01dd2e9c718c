/** Registries with transient failures or redirects: the pull succeeds with the minimum of requests. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import type { Fault, RecordedRequest } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { pulled, pullGoodImage, type PullSetup, startPullSetup } from "./setup.ts";

/** What a case can check: the requests for its blob. */
interface Observed {
  readonly layer: readonly RecordedRequest[];
  readonly manifest: readonly RecordedRequest[];
  readonly all: readonly RecordedRequest[];
}

interface Case {
  readonly name: string;
  /** `path` is relative to `/v2/<repo>/`; LAYER stands for the layer's blob. */
  readonly faults: readonly Fault[];
  readonly check: (seen: Observed) => void;
}

const LAYER = "LAYER";
const CUT_AT = 70_000;
const ranges = (requests: readonly RecordedRequest[]) => requests.map(({ headers }) => headers.range);
/** Returns the time between two requests. */
const gapMs = ([first, second]: readonly RecordedRequest[]): number => second!.atMs - first!.atMs;
const dropped: Fault = { path: LAYER, times: 1, fault: "drop", afterBytes: CUT_AT };

const CASES: readonly Case[] = [
  {
    name: "a dropped connection is resumed where it broke off",
    faults: [dropped],
    check: ({ layer }) => assert.deepEqual(ranges(layer), [undefined, `bytes=${CUT_AT}-`]),
  },
  {
    name: "several drops, each with some progress",
    faults: [1, 2, 3].map((time) => ({ ...dropped, after: time - 1 })),
    check: ({ layer }) =>
      assert.deepEqual(ranges(layer), [0, 1, 2, 3].map((n) => n ? `bytes=${n * CUT_AT}-` : undefined)),
  },
  {
    name: "a registry without range support sends everything again",
    faults: [dropped, { path: LAYER, fault: "ignore-range" }],
    check: ({ layer }) => assert.equal(layer.length, 2),
  },
  {
    name: "a range other than the requested one",
    faults: [dropped, { path: LAYER, after: 1, times: 1, fault: "headers", set: { "content-range": "bytes 0-9/10" } }],
    check: ({ layer }) => assert.deepEqual(ranges(layer), [undefined, `bytes=${CUT_AT}-`, undefined]),
  },
  {
    name: "Retry-After on a manifest",
    faults: [{ path: "manifests/1", times: 1, fault: "status", status: 429, headers: { "retry-after": "2" } }],
    check: ({ manifest }) => {
      assert.equal(manifest.length, 2);
      assert.ok(gapMs(manifest) >= 1990, `asked again after ${gapMs(manifest)} ms`);
    },
  },
  {
    name: "Retry-After on a layer",
    faults: [{ path: LAYER, times: 1, fault: "status", status: 503, headers: { "retry-after": "2" } }],
    check: ({ layer }) => {
      assert.equal(layer.length, 2);
      assert.ok(gapMs(layer) >= 1990, `asked again after ${gapMs(layer)} ms`);
    },
  },
  {
    name: "503 twice",
    faults: [{ path: "*", times: 2, fault: "status", status: 503 }],
    check: ({ all }) => assert.equal(all.length, 5),
  },
  {
    name: "a connection closed without a response",
    faults: [{ path: "manifests/1", times: 1, fault: "close" }, { path: LAYER, times: 1, fault: "close" }],
    check: ({ layer }) => assert.ok(layer.length >= 2 && layer.length <= 3),
  },
  {
    name: "three redirects",
    faults: [{ path: LAYER, fault: "redirect", to: "self", hops: 3 }],
    check: ({ layer }) => assert.equal(layer.length, 4),
  },
  {
    name: "a redirect to another host, and a drop there",
    faults: [
      { path: LAYER, fault: "redirect", to: "other" },
      { ...dropped, host: "other" },
    ],
    check: ({ layer }) => {
      assert.deepEqual(layer.map(({ host }) => host), ["main", "other", "main", "other"]);
      assert.equal(layer[3]!.headers.range, `bytes=${CUT_AT}-`);
    },
  },
  {
    name: "bodies without a length",
    faults: [{ path: "*", fault: "chunked" }, { path: "*", fault: "headers", set: { "docker-content-digest": null } }],
    check: ({ all }) => assert.equal(all.length, 3),
  },
  {
    name: "wrong content types",
    faults: [{ path: "*", fault: "headers", set: { "content-type": "application/octet-stream" } }],
    check: ({ all }) => assert.equal(all.length, 3),
  },
];

async function tryCase({ engine, registry }: PullSetup, { faults, check }: Case, repo: string): Promise<void> {
  const image: Image = await busyboxBuilder()
    .layer([file("large", repo.padEnd(300_000, "x"))], { compression: "none" }).build();
  const reference = registry.add(repo, "1", image);
  const layer = `blobs/${image.layers[1]!.blob.digest}`;
  registry.fail(...faults.map((fault) => ({ ...fault, path: `/v2/${repo}/${fault.path.replace(LAYER, layer)}` })));
  await pulled(engine, ["-q", reference]);
  const requests = (path: string) => registry.requestsFor(`/v2/${repo}/${path}`, "GET");
  check({ layer: requests(layer), manifest: requests("manifests/1"), all: requests("*") });
  const run = await engine.tsd(["run", "--rm", "--network", "none", reference, "wc", "-c", "/large"]);
  assert.equal(run.stdout, "300000 /large\n");
}

Deno.test({
  name: "a pull survives transient failures and redirects",
  ...requires("root", "runc", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    // Concurrently: most of their time is waiting.
    const outcomes = await Promise.allSettled(CASES.map((each, at) => tryCase(setup, each, `troubles/${at}`)));
    const failures = outcomes.flatMap((outcome, at) =>
      outcome.status === "rejected" ? [`${CASES[at]!.name}: ${outcome.reason}`] : []
    );
    assert.equal(failures.join("\n"), "");
  },
});
