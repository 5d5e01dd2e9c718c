import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { parseDigest } from "./digest.ts";
import type { Descriptor } from "./manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./media_types.ts";
import { formatPlatform, hostPlatform, matchingManifests, normalizePlatform, parsePlatform } from "./platform.ts";

const entry = (platform: string | undefined, more: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: OCI_MANIFEST,
  digest: parseDigest(`sha256:${"0".repeat(64)}`),
  sizeBytes: 1,
  ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
  ...more,
});

const chosen = (requested: string, offered: (string | undefined)[]): string[] =>
  matchingManifests(offered.map((platform) => entry(platform)), parsePlatform(requested))
    .map(({ platform }) => platform === undefined ? "any" : formatPlatform(platform));

Deno.test("aliases are normalised to Go's names", () => {
  const format = (os: string, architecture: string, variant?: string) =>
    formatPlatform(normalizePlatform({ os, architecture, variant }));
  assert.equal(format("linux", "x86_64"), "linux/amd64");
  assert.equal(format("linux", "amd64", "v1"), "linux/amd64");
  assert.equal(format("Linux", "aarch64"), "linux/arm64/v8");
  assert.equal(format("linux", "arm64", "8"), "linux/arm64/v8");
  assert.equal(format("linux", "armhf"), "linux/arm/v7");
  assert.equal(format("linux", "arm"), "linux/arm/v7");
  assert.equal(format("linux", "armel"), "linux/arm/v6");
  assert.equal(format("linux", "i686"), "linux/386");
  assert.equal(format("linux", "constructor"), "linux/constructor");
});

Deno.test("parses --platform", () => {
  assert.equal(formatPlatform(parsePlatform("linux/arm/v6")), "linux/arm/v6");
  assert.equal(formatPlatform(parsePlatform("arm64")), `${hostPlatform().os}/arm64/v8`);
  assert.deepEqual(parsePlatform("linux"), { ...hostPlatform(), os: "linux" });
  for (const bad of ["", "a/b/c/d", "linux/", "linux/a b"]) {
    assert.throws(() => parsePlatform(bad), (error: Error) => isTsdError(error, "invalid_argument"));
  }
});

Deno.test("an exact match comes first, then lower variants, then entries without a platform", () => {
  assert.deepEqual(chosen("linux/arm/v7", ["linux/arm/v5", "linux/arm/v8", "linux/arm/v6", "linux/arm/v7"]), [
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v5",
  ]);
  assert.deepEqual(
    chosen("linux/amd64/v3", [undefined, "linux/386", "linux/amd64", "linux/amd64/v2", "linux/amd64/v4"]),
    [
      "linux/amd64/v2",
      "linux/amd64",
      "linux/386",
      "any",
    ],
  );
  assert.deepEqual(chosen("linux/arm64", ["linux/arm/v7", "linux/arm64"]), ["linux/arm64/v8", "linux/arm/v7"]);
});

Deno.test("entries of equal rank keep the index's order", () => {
  const [first] = matchingManifests(
    [entry("linux/amd64", { sizeBytes: 1 }), entry("linux/amd64", { sizeBytes: 2 })],
    parsePlatform("linux/amd64"),
  );
  assert.equal(first.sizeBytes, 1);
});

Deno.test("attestations and entries that aren't images are never chosen", () => {
  const others = [
    entry("unknown/unknown"),
    entry("linux/amd64", { annotations: { "vnd.docker.reference.type": "attestation-manifest" } }),
    entry("linux/amd64", { mediaType: "application/x" }),
  ];
  assert.throws(
    () => matchingManifests(others, parsePlatform("linux/amd64")),
    { message: "no matching manifest for linux/amd64 in the manifest list entries" },
  );
  assert.equal(
    matchingManifests([...others, entry("linux/amd64", { mediaType: OCI_INDEX })], parsePlatform("linux/amd64")).length,
    1,
  );
});

Deno.test("no matching entry gives Docker's error text", () => {
  assert.throws(
    () => chosen("linux/arm64", ["linux/amd64", "windows/arm64"]),
    (error: Error) =>
      isTsdError(error, "platform_unavailable") &&
      error.message === "no matching manifest for linux/arm64/v8 in the manifest list entries",
  );
});
