import { strict as assert } from "node:assert";
import { S } from "../../sys/mod.ts";
import { goFileMode, pathStatHeader } from "./path_stat_view.ts";

Deno.test("path stat: modes are converted to Go's", () => {
  const cases: readonly (readonly [mode: number, inGo: number])[] = [
    [S.IFREG | 0o644, 0o644],
    [S.IFDIR | 0o755, 0x8000_0000 + 0o755],
    [S.IFLNK | 0o777, 0x0800_0000 + 0o777],
    [S.IFIFO | 0o600, 0x0200_0000 + 0o600],
    [S.IFSOCK | 0o600, 0x0100_0000 + 0o600],
    [S.IFBLK | 0o660, 0x0400_0000 + 0o660],
    [S.IFCHR | 0o666, 0x0420_0000 + 0o666],
    [S.IFDIR | S.ISVTX | 0o777, 0x8010_0000 + 0o777],
    [S.IFREG | S.ISUID | S.ISGID | 0o755, 0x00c0_0000 + 0o755],
  ];
  for (const [mode, inGo] of cases) assert.equal(goFileMode(mode), inGo, mode.toString(8));
});

Deno.test("path stat: the header is base64 of Docker's JSON, for any time", () => {
  const info = { name: "é", sizeBytes: 5, mode: S.IFLNK | 0o777, linkTarget: "/etc" };
  const parsed = (seconds: bigint, nanoseconds: number) =>
    JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(
      pathStatHeader({ ...info, modified: { seconds, nanoseconds } }),
    )));
  assert.deepEqual(parsed(1_700_000_000n, 120_000_000), {
    name: "é",
    size: 5,
    mode: 0x0800_01ff,
    mtime: "2023-11-14T22:13:20.12Z",
    linkTarget: "/etc",
  });
  assert.equal(parsed(0n, 0).mtime, "1970-01-01T00:00:00Z");
  assert.equal(parsed(-1n, 0).mtime, "1969-12-31T23:59:59Z");
  assert.equal(parsed(2n ** 62n, 0).mtime, "9999-12-31T23:59:59Z");
  assert.equal(parsed(-(2n ** 62n), 0).mtime, "0001-01-01T00:00:00Z");
});
