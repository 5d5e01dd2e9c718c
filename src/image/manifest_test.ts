import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import { parseManifest } from "./manifest.ts";
import { DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST } from "./media_types.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "./media_types.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const LAYER = { mediaType: `${OCI_LAYER}+gzip`, digest: DIGEST, size: 10 };
const CONFIG = { mediaType: OCI_CONFIG, digest: DIGEST, size: 20 };
const IMAGE = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [LAYER, LAYER] };
const ENTRY = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 30, platform: { os: "linux", architecture: "aarch64" } };
const INDEX = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [ENTRY] };

const parse = (value: unknown, contentType?: string) =>
  parseManifest(new TextEncoder().encode(JSON.stringify(value)), "manifest of x", contentType);
const refused = (value: unknown, pattern: RegExp, contentType?: string) =>
  assert.throws(
    () => parse(value, contentType),
    (error: Error) => isTsdError(error, "manifest_invalid") && pattern.test(error.message),
  );

Deno.test("parses an OCI manifest and a Docker schema 2 manifest", () => {
  const image = parse(IMAGE, OCI_MANIFEST);
  assert.ok(image.kind === "image");
  assert.deepEqual(image.config, { mediaType: OCI_CONFIG, digest: DIGEST, sizeBytes: 20 });
  assert.equal(image.layers.length, 2);
  const docker = parse({
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: { ...CONFIG, mediaType: DOCKER_CONFIG },
    layers: [{ ...LAYER, mediaType: DOCKER_LAYER }],
  });
  assert.equal(docker.mediaType, DOCKER_MANIFEST);
});

Deno.test("parses an index and a manifest list, and normalises platforms", () => {
  const index = parse(INDEX);
  assert.ok(index.kind === "index");
  assert.deepEqual(index.manifests[0].platform, { os: "linux", architecture: "arm64", variant: "v8" });
  assert.equal(parse({ ...INDEX, mediaType: DOCKER_MANIFEST_LIST }).kind, "index");
});

Deno.test("without a mediaType, the Content-Type or the members decide", () => {
  const { mediaType: _image, ...image } = IMAGE;
  const { mediaType: _index, ...index } = INDEX;
  assert.equal(parse(image, "application/json").kind, "image");
  assert.equal(parse(index, "").kind, "index");
  assert.equal(parse(image, `${OCI_MANIFEST}; charset=utf-8`).mediaType, OCI_MANIFEST);
  refused(index, /it has both config and manifests|it has no config/, OCI_MANIFEST);
});

Deno.test("ambiguous documents are rejected", () => {
  refused({ ...IMAGE, manifests: [] }, /both layers and manifests/);
  refused({ ...INDEX, layers: [LAYER] }, /both layers and manifests/);
  refused({ ...INDEX, config: CONFIG }, /both config and manifests/);
  refused({ ...IMAGE, Manifests: [] }, /Manifests is not spelt manifests/);
  refused(IMAGE, /announced as/, OCI_INDEX);
  assert.throws(() => parseManifest(new TextEncoder().encode(`{"schemaVersion":2,"schemaVersion":2}`), "m"), /twice/);
});

Deno.test("schema 1 is rejected with a specific error", () => {
  refused({ schemaVersion: 1, fsLayers: [], history: [] }, /schema 1 is not supported/);
  refused({ ...IMAGE, mediaType: undefined }, /schema 1/, "application/vnd.docker.distribution.manifest.v1+prettyjws");
});

Deno.test("artifacts that aren't container images are rejected with their type", () => {
  refused(
    { ...IMAGE, config: { ...CONFIG, mediaType: "application/vnd.cncf.helm.config.v1+json" } },
    /not a container image.*helm/,
  );
  refused({ ...IMAGE, mediaType: "application/x" }, /media type "application\/x"/);
});

Deno.test("errors of invalid members name the member", () => {
  refused({ ...IMAGE, schemaVersion: 3 }, /schemaVersion is not 2/);
  refused({ ...IMAGE, layers: {} }, /layers is not a list of objects/);
  refused({ ...IMAGE, layers: undefined }, /it has no layers/);
  refused({ ...IMAGE, config: undefined }, /it has no config/);
  for (const size of [-1, 1.5, "1", null, 2 ** 53]) {
    refused({ ...IMAGE, layers: [LAYER, { ...LAYER, size }] }, /layers\[1\]\.size is not/);
  }
  for (const digest of ["", "sha256:ab", DIGEST.toUpperCase(), `sha512:${"a".repeat(128)}`, `${DIGEST}/../x`]) {
    refused({ ...IMAGE, config: { ...CONFIG, digest } }, /config\.digest is not sha256/);
  }
  refused({ ...IMAGE, layers: [{ ...LAYER, mediaType: "" }] }, /layers\[0\]\.mediaType is missing/);
});

Deno.test("no document crashes the parser", () => {
  const part = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(CONFIG, [LAYER], [ENTRY], 2, OCI_MANIFEST, OCI_INDEX));
  const known = ["schemaVersion", "mediaType", "config", "layers", "manifests", "annotations"];
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...known), part), fc.boolean(), (document, version) => {
    try {
      parse(version ? { ...document, schemaVersion: 2 } : document);
    } catch (error) {
      assert.ok(isTsdError(error, "manifest_invalid"), String(error));
    }
  }));
});
