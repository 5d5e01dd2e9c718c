/**
 * Permanently faulty registries and the resulting error messages. Numbers are those of the project's list of malicious
 * registries.
 */
import { type Fault, freePort } from "../registry/mod.ts";

export interface FaultCase {
  /** Also the repository's name. */
  readonly name: string;
  /** Faults for this repository; `path` is relative to `/v2/<repo>/`. */
  readonly faults?: readonly Fault[];
  /** The reference to pull; default: `<host>/<name>:1`. */
  readonly reference?: (host: string, digest: string) => string;
  /**
   * The whole line without `tsd: `, where REF stands for the reference, REPO for it without tag, HOST for the registry.
   */
  readonly says: string | RegExp;
  /** The maximum number of requests that the registry gets for this repository. */
  readonly requestsAtMost: number;
}

const manifests = "manifests/*";
const blobs = "blobs/*";
const denied = "pull access denied for REPO, repository does not exist or may require 'docker login'";
const SIZE = /^Cannot accept (blob|layer|config of) \S+: size is .*, expected \d+$/;
const DIGEST =
  /^Cannot accept (layer|config of|manifest of) \S+: digest is sha256:[0-9a-f]{64}, expected sha256:[0-9a-f]{64}$/;
const elsewhere = (to: string): readonly Fault[] => [{ path: blobs, fault: "redirect", to }];

/** Faults that fail at once. */
export const FAST_FAULTS: readonly FaultCase[] = [
  {
    name: "nobody-there",
    reference: () => `127.0.0.1:${freePort()}/x:1`,
    says: /^Cannot reach registry 127\.0\.0\.1:\d+: connection refused$/i,
    requestsAtMost: 0,
  },
  {
    name: "unknown-repository",
    reference: (host) => `${host}/no/such:1`,
    says: "repository REPO not found: name unknown: name_unknown",
    requestsAtMost: 1,
  },
  {
    name: "unknown-tag",
    reference: (host) => `${host}/unknown-tag:2`,
    says: "manifest for REF not found: manifest unknown: manifest_unknown",
    requestsAtMost: 1,
  },
  {
    name: "unauthorized",
    faults: [{ path: manifests, fault: "status", status: 401 }],
    says: denied,
    requestsAtMost: 1,
  },
  {
    name: "basic-only",
    faults: [{ path: manifests, fault: "status", status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }],
    says: denied,
    requestsAtMost: 1,
  },
  {
    name: "forbidden-blob",
    faults: [{ path: blobs, fault: "status", status: 403 }],
    says: denied,
    requestsAtMost: 2,
  },
  {
    name: "teapot",
    faults: [{ path: manifests, fault: "status", status: 418, body: "short and stout" }],
    says: "Cannot get the manifest of REF: registry HOST answered 418",
    requestsAtMost: 1,
  },
  {
    name: "words-that-steer",
    faults: [{
      ...{ path: manifests, fault: "status", status: 400 },
      body: JSON.stringify({ errors: [{ code: "A\x1b[2J", message: `two\nlines\x07${"x".repeat(100_000)}` }] }),
    }],
    says: /^Cannot get the manifest of \S+: registry HOST answered 400: a \[2j: two lines x{200,300}$/,
    requestsAtMost: 1,
  },
  {
    name: "manifest-corrupt",
    faults: [{ path: manifests, fault: "corrupt", atByte: 20 }],
    says: DIGEST,
    requestsAtMost: 1,
  },
  {
    name: "manifest-corrupt-by-digest",
    reference: (host, digest) => `${host}/manifest-corrupt-by-digest@${digest}`,
    faults: [{ path: manifests, fault: "corrupt", atByte: 20 }],
    says: DIGEST,
    requestsAtMost: 1,
  },
  {
    name: "manifest-replaced",
    faults: [{ path: manifests, fault: "replace", bytes: "{}" }],
    says: DIGEST,
    requestsAtMost: 1,
  },
  { name: "blobs-corrupt", faults: [{ path: blobs, fault: "corrupt", atByte: 30 }], says: DIGEST, requestsAtMost: 2 },
  { name: "blobs-longer", faults: [{ path: blobs, fault: "append", bytes: "x" }], says: SIZE, requestsAtMost: 2 },
  { name: "blobs-shorter", faults: [{ path: blobs, fault: "shorten", byBytes: 9 }], says: SIZE, requestsAtMost: 2 },
  {
    name: "layer-corrupt",
    faults: [{ path: blobs, after: 1, fault: "corrupt", atByte: 5000 }],
    says: DIGEST,
    requestsAtMost: 3,
  },
  {
    name: "layer-longer-in-chunks",
    faults: [
      { path: blobs, after: 1, fault: "append", bytes: "x".repeat(100_000) },
      { path: blobs, after: 1, fault: "chunked" },
    ],
    says: /^Cannot accept layer \S+: size is more than \d+, expected \d+$/,
    requestsAtMost: 3,
  },
  {
    name: "layer-missing",
    faults: [{ path: blobs, after: 1, fault: "status", status: 404 }],
    says: /^Cannot download blob sha256:[0-9a-f]{64}: registry HOST does not have it$/,
    requestsAtMost: 3,
  },
  {
    name: "redirect-loop",
    faults: [{ path: blobs, fault: "redirect", to: "self" }],
    says: "Registry HOST redirects more than 10 times",
    requestsAtMost: 12,
  },
  {
    name: "redirect-nowhere",
    faults: elsewhere("http://[not an address"),
    says: "Registry HOST redirects to no usable address",
    requestsAtMost: 2,
  },
  {
    name: "redirect-file",
    faults: elsewhere("file:///etc/passwd"),
    says: "Refusing a redirect of registry HOST to file:///etc/passwd: it is not HTTP",
    requestsAtMost: 2,
  },
  {
    name: "redirect-metadata",
    faults: elsewhere("http://169.254.169.254/latest/meta-data"),
    says: /^Refusing a redirect of registry HOST to http:\/\/169\.254\.169\.254\/latest\/meta-data: .*link-local/,
    requestsAtMost: 2,
  },
  {
    name: "too-many-requests",
    faults: [{ path: manifests, fault: "status", status: 429, headers: { "retry-after": "3600" } }],
    says: "Registry HOST takes no more requests for now (429)",
    requestsAtMost: 1,
  },
  {
    name: "too-many-requests-blob",
    faults: [{ path: blobs, fault: "status", status: 429, headers: { "retry-after": "3600" } }],
    says: "Registry HOST takes no more requests for now (429)",
    requestsAtMost: 2,
  },
];

const TIMEOUT = 5;

/** Faults that are retried: five attempts, 4 to 10 seconds. */
export const PATIENT_FAULTS: readonly FaultCase[] = [
  {
    name: "unavailable",
    faults: [{ path: manifests, fault: "status", status: 503 }],
    says: "Cannot get the manifest of REF: registry HOST answered 503",
    requestsAtMost: TIMEOUT,
  },
  {
    name: "unavailable-blob",
    faults: [{ path: blobs, after: 1, fault: "status", status: 502 }],
    says: /^Cannot get blob sha256:[0-9a-f]{64}: registry HOST answered 502$/,
    requestsAtMost: 2 + 2 * TIMEOUT,
  },
  {
    name: "hangs-up",
    faults: [{ path: manifests, fault: "close" }],
    says: /^Cannot reach registry HOST: \w/,
    requestsAtMost: 2 * TIMEOUT,
  },
  {
    name: "no-http",
    faults: [{ path: manifests, fault: "garbage", bytes: "SSH-2.0-OpenSSH_9.2\r\n" }],
    says: /^Cannot reach registry HOST: \w/,
    requestsAtMost: 2 * TIMEOUT,
  },
  {
    name: "drops-at-one-place",
    faults: [{ path: blobs, after: 1, fault: "drop", afterBytes: 3000 }, { path: blobs, fault: "ignore-range" }],
    says: /^Cannot download blob sha256:[0-9a-f]{64} from HOST after 3000 of \d+ bytes, 5 attempts: /,
    requestsAtMost: 2 + 2 * TIMEOUT,
  },
  {
    name: "promises-more",
    faults: [{ path: blobs, after: 1, fault: "shorten", byBytes: 500 }, { path: blobs, after: 1, fault: "chunked" }],
    says: SIZE,
    requestsAtMost: 2 + 2 * TIMEOUT,
  },
];
