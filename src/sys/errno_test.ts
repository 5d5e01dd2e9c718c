import { strict as assert } from "node:assert";
import { isTsdError, TsdError } from "../errors.ts";
import { errnoName, errnoOf, isErrno, SysError } from "./errno.ts";

Deno.test("the message of a SysError has call, subject, name and text in one line", () => {
  const error = new SysError("openat2", 2, { subject: "a/b" });
  assert.equal(error.message, 'openat2 "a/b": ENOENT (No such file or directory)');
  assert.equal(error.errnoName, "ENOENT");
  assert.equal(error.code, "system_call");
  assert.deepEqual(error.detail, { call: "openat2", errno: 2, errnoName: "ENOENT" });
});

Deno.test("SysError: line breaks in a subject are escaped, a note comes last, an unknown number is shown", () => {
  assert.equal(
    new SysError("mkdirat", 17, { subject: "a\nb", note: "twice" }).message,
    'mkdirat "a\\nb": EEXIST (File exists): twice',
  );
  assert.equal(new SysError("x", 4000).message, "x: errno 4000");
  assert.equal(new SysError("x", 4000).errnoName, "errno 4000");
});

Deno.test("SysError: a full disk or quota has the code storage_full", () => {
  assert.ok(isTsdError(SysError.named("write", "ENOSPC"), "storage_full"));
  assert.ok(isTsdError(SysError.named("write", "EDQUOT"), "storage_full"));
  assert.ok(isTsdError(SysError.named("write", "EIO"), "system_call"));
});

Deno.test("isErrno matches SysErrors by name only", () => {
  const error = SysError.named("rmdir", "ENOTEMPTY");
  assert.ok(isErrno(error));
  assert.ok(isErrno(error, "EEXIST", "ENOTEMPTY"));
  assert.ok(!isErrno(error, "EEXIST"));
  assert.ok(!isErrno(new TsdError("internal", "ENOTEMPTY"), "ENOTEMPTY"));
});

Deno.test("names and numbers are inverse", () => {
  for (let errno = 1; errno < 134; errno++) {
    const name = errnoName(errno);
    if (name !== undefined) assert.equal(errnoOf(name), errno);
  }
  assert.equal(errnoName(41), undefined);
});
