import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import {
  apiHost,
  canonicalString,
  familiarName,
  familiarString,
  isTag,
  parseReference,
  type Reference,
  withDefaultTag,
} from "./reference.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

/** Input, canonical form, familiar form. */
const GOOD: [string, string, string][] = [
  ["alpine", "docker.io/library/alpine", "alpine"],
  ["alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"],
  ["library/alpine", "docker.io/library/alpine", "alpine"],
  ["docker.io/alpine", "docker.io/library/alpine", "alpine"],
  ["index.docker.io/alpine", "docker.io/library/alpine", "alpine"],
  ["grafana/grafana:main", "docker.io/grafana/grafana:main", "grafana/grafana:main"],
  ["a/b/c", "docker.io/a/b/c", "a/b/c"],
  ["localhost/web", "localhost/web", "localhost/web"],
  ["localhost:5000/web:A_b-c.d", "localhost:5000/web:A_b-c.d", "localhost:5000/web:A_b-c.d"],
  ["ghcr.io/x/y__z", "ghcr.io/x/y__z", "ghcr.io/x/y__z"],
  ["Foo/bar", "Foo/bar", "Foo/bar"],
  ["[::1]:5000/web", "[::1]:5000/web", "[::1]:5000/web"],
  [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, `alpine@${DIGEST}`],
  [`alpine:x@${DIGEST}`, `docker.io/library/alpine:x@${DIGEST}`, `alpine:x@${DIGEST}`],
  ["foo.com", "docker.io/library/foo.com", "foo.com"],
  ["docker.io/foo.com/bar", "docker.io/foo.com/bar", "docker.io/foo.com/bar"],
  [`docker.io/${HEX}`, `docker.io/library/${HEX}`, `docker.io/library/${HEX}`],
];

/** Input, and the error text of docker 28. */
const BAD: [string, string][] = [
  ["", "invalid reference format"],
  ["FOO", "invalid reference format: repository name (library/FOO) must be lowercase"],
  ["foo/BAR:x", "invalid reference format: repository name (foo/BAR) must be lowercase"],
  ["Foo/Bar", "invalid reference format: repository name (Bar) must be lowercase"],
  ["ex.com/A", "invalid reference format: repository name (A) must be lowercase"],
  ["a//b", "invalid reference format"],
  [":x", "invalid reference format"],
  ["foo:", "invalid reference format"],
  ["foo:.x", "invalid reference format"],
  ["foo:tag:x", "invalid reference format"],
  ["foo.com:x/a", "invalid reference format"],
  ["foo___bar", "invalid reference format"],
  ["foo..bar", "invalid reference format"],
  ["foo_/x", "invalid reference format"],
  ["http://x/y", "invalid reference format"],
  ["foo\n", "invalid reference format"],
  ["foo bar", "invalid reference format"],
  ["../../up:t", "invalid reference format"],
  [`foo:${"a".repeat(129)}`, "invalid reference format"],
  ["foo@sha256:abc", "invalid reference format"],
  [`foo@${DIGEST}x`, "invalid reference format"],
  [`foo@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
  [`foo@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
  [`foo@sha256:${HEX.toUpperCase()}`, "invalid checksum digest format"],
  [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
  ["a".repeat(256), "repository name must not be more than 255 characters"],
];

for (const [typed, canonical, familiar] of GOOD) {
  Deno.test(`reference ${typed}`, () => {
    const ref = parseReference(typed);
    assert.equal(canonicalString(ref), canonical);
    assert.equal(familiarString(ref), familiar);
  });
}

for (const [typed, message] of BAD) {
  Deno.test(`bad reference ${JSON.stringify(typed.slice(0, 80))}`, () => {
    assert.throws(
      () => parseReference(typed),
      (error: Error) => isTsdError(error, "invalid_reference") && error.message === message,
    );
  });
}

Deno.test("the default tag is added only without a tag and digest", () => {
  assert.equal(familiarString(withDefaultTag(parseReference("a"))), "a:latest");
  assert.equal(familiarString(withDefaultTag(parseReference("a:b"))), "a:b");
  assert.equal(familiarString(withDefaultTag(parseReference(`a@${DIGEST}`))), `a@${DIGEST}`);
});

Deno.test("Docker Hub's API has a different host", () => {
  assert.equal(apiHost(parseReference("alpine")), "registry-1.docker.io");
  assert.equal(apiHost(parseReference("localhost:5000/x")), "localhost:5000");
});

Deno.test("valid and invalid tags", () => {
  assert.ok(isTag("v1.0_x-y"));
  for (const bad of ["", "-a", ".a", "a/b", "a\n", "a".repeat(129)]) assert.ok(!isTag(bad));
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const reference: fc.Arbitrary<Reference> = fc.record({
  domain: fc.constantFrom("docker.io", "localhost", "localhost:5000", "a.b", "UPPER", "[fe80::1]:80", "127.0.0.1:1"),
  path: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
  tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,20}$/), { nil: undefined }),
  digest: fc.option(fc.constant(DIGEST), { nil: undefined }),
}).map((ref) => parseReference(canonicalString(ref as Reference)));

Deno.test("formatting and parsing are inverse", () => {
  fc.assert(fc.property(reference, (ref) => {
    assert.deepEqual(parseReference(familiarString(ref)), ref);
    assert.deepEqual(parseReference(canonicalString(ref)), ref);
    assert.ok(familiarName(ref).length <= canonicalString(ref).length);
  }));
});

Deno.test("any text gives a reference or an invalid_reference error, quickly", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9./:@_-]{0,300}$/));
  fc.assert(fc.property(text, (typed) => {
    try {
      const ref = parseReference(typed);
      assert.deepEqual(parseReference(canonicalString(ref)), ref);
    } catch (error) {
      assert.ok(isTsdError(error, "invalid_reference"), String(error));
      assert.ok(!error.message.includes("\n") || typed.includes("\n"));
    }
  }));
  const started = performance.now();
  for (const slow of ["a-".repeat(50_000), "a.".repeat(50_000), "-".repeat(100_000), `a${"_".repeat(100_000)}`]) {
    assert.throws(() => parseReference(slow));
  }
  assert.ok(performance.now() - started < 1000);
});
