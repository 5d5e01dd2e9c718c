import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { chainId, chainIds } from "./chain_id.ts";
import { parseImageConfig } from "./config.ts";
import { parseDigest } from "./digest.ts";
import { sha256Hex } from "../hash/mod.ts";

const A = parseDigest(`sha256:${"aa".repeat(32)}`);
const B = parseDigest(`sha256:${"bb".repeat(32)}`);
const ROOTFS = { type: "layers", diff_ids: [A, B] };
const parse = (value: unknown, layerCount?: number) =>
  parseImageConfig(new TextEncoder().encode(JSON.stringify(value)), "config of x", layerCount);
const refused = (value: unknown, pattern: RegExp, layerCount?: number) =>
  assert.throws(
    () => parse(value, layerCount),
    (error: Error) => isTsdError(error, "manifest_invalid") && pattern.test(error.message),
  );

Deno.test("a complete config", () => {
  const config = parse({
    os: "linux",
    architecture: "x86_64",
    created: "2024-01-02T03:04:05Z",
    author: "me",
    config: {
      Env: ["PATH=/bin"],
      Cmd: ["sh"],
      Entrypoint: [],
      User: "1:2",
      WorkingDir: "/w",
      Volumes: { "/data": {}, "/Data": {} },
      ExposedPorts: { "80/tcp": {} },
      Labels: { a: "b", A: "c" },
      StopSignal: "SIGINT",
      Shell: ["/bin/bash", "-c"],
      Healthcheck: { Test: ["CMD", "true"], Interval: 30_000_000_000, Retries: 3 },
      OnBuild: null,
    },
    rootfs: ROOTFS,
    history: [{ created_by: "ADD x" }, { empty_layer: true }],
    "moby.buildkit.buildinfo.v1": "e30=",
  }, 2);
  assert.deepEqual(config.platform, { os: "linux", architecture: "amd64" });
  assert.deepEqual(config.diffIds, [A, B]);
  assert.deepEqual(config.config, {
    env: ["PATH=/bin"],
    cmd: ["sh"],
    entrypoint: [],
    user: "1:2",
    workingDir: "/w",
    volumes: ["/data", "/Data"],
    exposedPorts: ["80/tcp"],
    labels: { a: "b", A: "c" },
    stopSignal: "SIGINT",
    shell: ["/bin/bash", "-c"],
    healthcheck: {
      test: ["CMD", "true"],
      intervalNs: 30_000_000_000,
      timeoutNs: 0,
      startPeriodNs: 0,
      startIntervalNs: 0,
      retries: 3,
    },
    onBuild: [],
  });
  assert.deepEqual(config.history.map(({ emptyLayer }) => emptyLayer), [false, true]);
});

Deno.test("a minimal config, as built from `FROM scratch`", () => {
  const config = parse({ architecture: "amd64", os: "linux", rootfs: { type: "layers" } }, 0);
  assert.deepEqual(config.diffIds, []);
  assert.equal(config.config.cmd, undefined);
});

Deno.test("the number of diff_ids has to match the number of layers", () => {
  refused({ rootfs: ROOTFS }, /names 2 diff_ids, but the manifest has 3 layers/, 3);
  refused({ rootfs: ROOTFS }, /but the manifest has 1 layers/, 1);
  assert.equal(parse({ rootfs: ROOTFS }).diffIds.length, 2);
});

Deno.test("errors of invalid configs name the member", () => {
  refused({}, /no rootfs/);
  refused({ rootfs: { type: "other" } }, /rootfs\.type is not "layers"/);
  refused({ rootfs: { diff_ids: ["sha256:x"] } }, /rootfs\.diff_ids has an entry/);
  refused({ rootfs: ROOTFS, config: { Env: "PATH=/" } }, /config\.Env is not a list of strings/);
  refused({ rootfs: ROOTFS, config: { User: "a\0b" } }, /config\.User is not a string/);
  refused({ rootfs: ROOTFS, config: { Volumes: { "/a\0b": {} } } }, /config\.Volumes has a key with a NUL/);
  refused({ rootfs: ROOTFS, config: { Labels: { a: 1 } } }, /config\.Labels has a value/);
  refused({ rootfs: ROOTFS, config: { Healthcheck: { Retries: "x" } } }, /config\.Healthcheck\.Retries/);
  refused({ rootfs: ROOTFS, history: [{ empty_layer: 1 }] }, /history\[0\]\.empty_layer/);
  refused({ rootfs: ROOTFS, Config: {} }, /Config is not spelt config/);
});

Deno.test("chain ids", async () => {
  assert.equal(await chainId([]), undefined);
  assert.deepEqual(await chainIds([A]), [A]);
  const second = `sha256:${await sha256Hex(new TextEncoder().encode(`${A} ${B}`))}`;
  assert.deepEqual(await chainIds([A, B]), [A, second]);
  assert.equal(await chainId([A, B]), second);
});
