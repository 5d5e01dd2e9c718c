import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { NO_XATTRS, type TarEntry, tarHeader } from "../../tar/mod.ts";
import { ArchiveMembers, MAX_MEMBERS } from "./members.ts";

const entry = (fields: Partial<TarEntry> & Pick<TarEntry, "path">): TarEntry => ({
  ...tarHeader({ type: "file", ...fields }),
  ...{ xattrs: NO_XATTRS, index: 0, dataOffset: 512, storedBytes: fields.sizeBytes ?? 0, sparse: undefined },
  ...fields,
});

const members = (...entries: TarEntry[]): ArchiveMembers => {
  const all = new ArchiveMembers();
  for (const each of entries) all.add(each);
  return all;
};

const refused = (step: () => unknown, pattern: RegExp) =>
  assert.throws(step, (thrown: Error) => isTsdError(thrown, "archive_invalid") && pattern.test(thrown.message));

Deno.test("members are found by any spelling of their name; of duplicates the last one counts", () => {
  const all = members(
    entry({ path: "./a//b", dataOffset: 1 }),
    entry({ path: "/c", dataOffset: 2 }),
    entry({ path: "d/../e", dataOffset: 3 }),
    entry({ path: "e", dataOffset: 4, storedBytes: 7 }),
    entry({ path: "\xc3\xa4", dataOffset: 5 }),
  );
  assert.deepEqual(["a/b", "./c", "e", "ä", "f"].map((name) => all.find(name)?.offset), [1, 2, 4, 5, undefined]);
  assert.equal(all.find("e")?.sizeBytes, 7);
});

Deno.test("links inside the archive are followed, up to a limit", () => {
  const link = (path: string, linkPath: string) => entry({ type: "symlink", path, linkPath });
  const all = members(
    entry({ path: "x/layer.tar", dataOffset: 9 }),
    link("y/layer.tar", "../x/layer.tar"),
    link("z", "y/layer.tar"),
    entry({ type: "link", path: "deep/hard", linkPath: "x/layer.tar" }),
    link("loop", "loop"),
    link("dangling", "nowhere"),
    entry({ type: "directory", path: "folder/" }),
    entry({ path: "sparse", sparse: [] }),
  );
  assert.deepEqual(["z", "deep/hard"].map((name) => all.find(name)?.offset), [9, 9]);
  assert.equal(all.find("dangling"), undefined);
  refused(() => all.find("loop"), /"loop" leads through too many links/);
  refused(() => all.find("folder"), /"folder" is a directory, not a plain file/);
  refused(() => all.find("sparse"), /"sparse" is a sparse file/);
});

Deno.test("members, links and document references that lead out of the archive are rejected", () => {
  refused(() => members(entry({ path: "../../etc/passwd" })), /member "\.\.\/\.\.\/etc\/passwd" leads out of it/);
  refused(() => members(entry({ path: "a/../../b" })), /leads out of it/);
  const link = (type: "symlink" | "link", linkPath: string) => members(entry({ type, path: "a/b", linkPath }));
  refused(() => link("symlink", "/etc/passwd"), /\(a link to "\/etc\/passwd"\) leads out of it/);
  refused(() => link("symlink", "../../etc/passwd"), /leads out of it/);
  refused(() => link("link", "../b"), /leads out of it/);
  refused(() => members().find("../etc/passwd"), /names a file outside of it, "\.\.\/etc\/passwd"/);
});

Deno.test("too many members, too long names and too large documents are rejected", () => {
  const many = new ArchiveMembers();
  for (let count = 0; count < MAX_MEMBERS; count++) many.add(entry({ path: "same" }));
  refused(() => many.add(entry({ path: "same" })), /more than 100000 members/);
  const long = new ArchiveMembers();
  for (let count = 0; count < 4096; count++) long.add(entry({ path: "x".repeat(4096) }));
  refused(() => long.add(entry({ path: "x" })), /its names have more than/);
  refused(() => members(entry({ path: "./manifest.json", sizeBytes: 64 << 20 })), /manifest\.json has 67108864 bytes/);
});
