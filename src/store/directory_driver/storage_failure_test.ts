import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { SysError } from "../../sys/mod.ts";
import { isUnreadable, storageFailure } from "./storage_failure.ts";

Deno.test("isUnreadable distinguishes data that can't be read from damaged data", () => {
  const refused = (code: string) => Object.assign(new Error("refused"), { code });
  const cases: [unknown, boolean][] = [
    [SysError.named("open", "EMFILE"), true],
    [SysError.named("open", "ENOENT"), false],
    [refused("EIO"), true],
    [refused("ENOENT"), false],
    [new Error("the gzip stream is damaged"), false],
  ];
  for (const [thrown, isTrue] of cases) {
    assert.equal(isUnreadable(thrown), isTrue, String(thrown));
    assert.equal(isUnreadable(storageFailure("Cannot read it", thrown)), isTrue, String(thrown));
  }
  assert.equal(isUnreadable(new TsdError("storage", "A layer is damaged: its file is missing")), false);
});

Deno.test("if both a body and its cleanup fail, the body's failure is reported", () => {
  const both = (body: unknown) => new SuppressedError(new Error("cannot clean up"), body, "");
  assert.match(
    storageFailure("Cannot do it", both(SysError.named("open", "EMFILE"))).message,
    /^Cannot do it: open: EMFILE/,
  );
  const full = storageFailure("Cannot do it", both(both(Object.assign(new Error("no room"), { code: "ENOSPC" }))));
  assert.deepEqual([full.code, full.message], ["storage_full", "Cannot do it: no room"]);
});
