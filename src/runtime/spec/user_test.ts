import { strict as assert } from "node:assert";
import fc from "fast-check";
import { type AccountFiles, resolveUser } from "./user.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# a comment
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
 app:x:1000:1001:App:/home/app:/bin/sh
1234:x:55:55::/trap:/bin/sh
nohome:x:60:60:::
broken:x:zero:0::/root:/bin/sh
short:x
huge:x:99999999999:1::/:/bin/sh`;
const GROUP = `root:x:0:root
wheel:x:10:root,app
audio:x:29:app
audio2:x:29:app
app:x:1001:
77:x:78:
bad:x:no:app`;

function account(passwd: string, group: string, chunkBytes = 64): AccountFiles {
  return { passwd: () => chunks(passwd, chunkBytes), group: () => chunks(group, chunkBytes) };
}

/** Yields chunks that share one buffer, like those of the real reader. */
function* chunks(text: string, chunkBytes: number): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const buffer = new Uint8Array(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const piece = bytes.subarray(at, at + chunkBytes);
    buffer.fill(0);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

const FILES = account(PASSWD, GROUP);

const CASES: readonly (readonly [string, number, number, readonly number[], string])[] = [
  ["", 0, 0, [0, 10], "/root"],
  ["root", 0, 0, [0, 10], "/root"],
  ["app", 1000, 1001, [1001, 10, 29], "/home/app"],
  ["1000", 1000, 1001, [1001, 10, 29], "/home/app"],
  ["app:audio", 1000, 29, [29], "/home/app"],
  ["app:5", 1000, 5, [5], "/home/app"],
  ["app:", 1000, 1001, [1001, 10, 29], "/home/app"],
  ["4242", 4242, 0, [0], "/"],
  ["4242:wheel", 4242, 10, [10], "/"],
  ["1234", 1234, 0, [0], "/"],
  ["0:77", 0, 77, [77], "/root"],
  ["nohome", 60, 60, [60], "/"],
  ["2147483647:2147483647", 2147483647, 2147483647, [2147483647], "/"],
];

for (const [spec, uid, gid, additionalGids, home] of CASES) {
  Deno.test(`user ${JSON.stringify(spec)}`, () => {
    assert.deepEqual(resolveUser(spec, FILES), { user: { uid, gid, additionalGids }, home });
  });
}

const REFUSED: readonly (readonly [string, string])[] = [
  ["nobody", "unable to find user nobody: no matching entries in passwd file"],
  ["app:staff", "unable to find group staff: no matching entries in group file"],
  ["broken", "unable to find user broken: no matching entries in passwd file"],
  ["short", "unable to find user short: no matching entries in passwd file"],
  ["huge", "unable to find user huge: no matching entries in passwd file"],
  ["root:bad", "unable to find group bad: no matching entries in group file"],
  ["2147483648", "uids and gids must be in range 0-2147483647"],
  ["-1", "uids and gids must be in range 0-2147483647"],
  ["0:99999999999999999999", "uids and gids must be in range 0-2147483647"],
];

for (const [spec, message] of REFUSED) {
  Deno.test(`user ${spec} is rejected`, () => {
    assert.throws(() => resolveUser(spec, FILES), { code: "user_unknown", message });
  });
}

Deno.test("without account files only numeric ids are accepted", () => {
  const none = account("", "");
  assert.deepEqual(resolveUser("", none), { user: { uid: 0, gid: 0, additionalGids: [0] }, home: "/" });
  assert.deepEqual(resolveUser("7:8", none).user, { uid: 7, gid: 8, additionalGids: [8] });
  assert.throws(() => resolveUser("root", none), { code: "user_unknown" });
});

Deno.test("additional groups may be names and numbers, and are deduplicated", () => {
  assert.deepEqual(resolveUser("app", FILES, ["audio", "wheel", "500", "77"]).user.additionalGids, [
    1001,
    10,
    29,
    500,
    77,
  ]);
  assert.throws(() => resolveUser("app", FILES, ["staff"]), {
    message: "Unable to find group staff: no matching entries in group file",
  });
});

Deno.test("an overlong line is ignored, and the next one is read", () => {
  const passwd = `long:x:1:1:${"x".repeat(1024 * 1024)}:/:/\napp:x:2:2::/a:/`;
  const files = account(passwd, "", 10_000);
  assert.throws(() => resolveUser("long", files), { code: "user_unknown" });
  assert.equal(resolveUser("app", files).user.uid, 2);
});

Deno.test("a user in more groups than the kernel allows is rejected", () => {
  const group = Array.from({ length: 65_537 }, (_, i) => `g:x:${i + 10}:app`).join("\n");
  assert.throws(() => resolveUser("app", account(PASSWD, group, 65_536)), {
    message: "unable to use user app: it is in more than 65536 groups",
  });
});

Deno.test("chunk boundaries and invalid lines don't affect the result", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 80 }), fc.array(fc.string()), (chunkBytes, junk) => {
    const noise = junk.map((line) => line.replaceAll("app", "") + "\n").join("");
    const files = account(noise + PASSWD, noise + GROUP, chunkBytes);
    assert.equal(resolveUser("app:audio", files).user.gid, 29);
    assert.equal(resolveUser("app", files).home, "/home/app");
  }));
});
