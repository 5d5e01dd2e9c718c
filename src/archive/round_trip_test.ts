/** Packs a tree with all its attributes, and unpacks it with this module and with GNU tar. */
import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { cString, files, metadata, O, OwnedFd, xattrs } from "../sys/mod.ts";
import { TarDecoder } from "../tar/mod.ts";
import { concat } from "../tar/tar_testing.ts";
import { packTree } from "./pack.ts";
import { inDir, viewOf } from "./archive_testing.ts";
import { Unpacker } from "./unpack.ts";

async function output(script: string, cwd: string): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("sh", { args: ["-euc", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Lists everything but inode numbers, change times, and sizes and link counts of directories. */
const LISTING =
  "find . -printf '%p %y %m %U:%G %n %s %T@ %l\\n' | sed -E 's,^(\\S+ d \\S+ \\S+ )\\S+ \\S+,\\1,' | sort";

/** An ACL in the kernel's format (system.posix_acl_access, version 2): user 7 may read. */
const ACCESS = [0x01, 6, -1, 0x02, 4, 7, 0x04, 4, -1, 0x10, 4, -1, 0x20, 0, -1];

function aclBytes(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + (ACCESS.length / 3) * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 2, true);
  for (let at = 0; at < ACCESS.length; at += 3) {
    const [tag, permissions, id] = ACCESS.slice(at, at + 3) as [number, number, number];
    view.setUint16(4 + (at / 3) * 8, tag, true);
    view.setUint16(6 + (at / 3) * 8, permissions, true);
    view.setInt32(8 + (at / 3) * 8, id, true);
  }
  return bytes;
}

const CAPABILITY = Uint8Array.fromHex("0100000200200000000000000000000000000000");

const ATTRIBUTES: readonly (readonly [path: string, name: string, value: Uint8Array<ArrayBuffer>])[] = [
  ["a/f", "user.note", new TextEncoder().encode("line\nand é")],
  ["a/f", "security.capability", CAPABILITY],
  ["hole", "user.empty", new Uint8Array(0)],
  ["a", "user.folder", new Uint8Array(3000).fill(7)],
  [".", "user.root", new Uint8Array([0, 1, 255])],
  ["a/listed", "system.posix_acl_access", aclBytes()],
  ["a/b", "system.posix_acl_default", aclBytes()],
];

async function makeTree(directory: string): Promise<void> {
  await output(
    `mkdir -p a/b; printf text >a/f; ln a/f a/b/second; ln -s ../nowhere a/link; mkfifo a/p; mknod a/null c 1 3
     : >empty; : >a/listed; chown 7:8 a/f a; chown -h 9:9 a/link; chmod 4755 a/f; chmod 1777 a/b; chmod 2750 .
     chown 11:12 .; truncate -s 9G hole; for at in 100 4000000000 9000000000; do
       printf x$at | dd of=hole bs=1 seek=$at conv=notrunc status=none
     done
     truncate -s 5M zeros; head -c 100000 /dev/urandom >full; head -c 4096 /dev/zero >>full
     name=$(printf 'n%.0s' $(seq 150)); mkdir $name; truncate -s 1M $name/$name; printf end >>$name/$name`,
    directory,
  );
  for (const [path, name, value] of ATTRIBUTES) {
    using file = new OwnedFd(files.open(cString(`${directory}/${path}`), O.RDONLY));
    xattrs.fsetxattr(file.fd, cString(name), value);
  }
  const time = { seconds: 981_173_106n, nanoseconds: 123_456_789 };
  for (const path of ["a/link", "a/f", "a/p", "a/b", "a", "hole", "zeros", "."]) {
    await output(`touch -h -d '2001-02-03 04:05:06.789012345Z' ${path}`, directory);
  }
  using root = new OwnedFd(files.open(cString(directory), O.RDONLY));
  metadata.futimens(root.fd, time, time);
}

function packed(directory: string): Uint8Array<ArrayBuffer> {
  using view = viewOf(directory);
  using start = view.root();
  return concat(...packTree({ view, start, name: ".", keepsAll: true }));
}

function unpack(archive: Uint8Array, directory: string): void {
  using view = viewOf(directory);
  using root = view.root();
  const options = {
    mayReplaceDirs: true,
    owner: "archive",
    followLinks: true,
    isRoot: true,
    setsDir: true,
  } as const;
  using unpacker = new Unpacker({ view, dir: root }, options);
  const decoder = new TarDecoder();
  decoder.feed(archive);
  for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
    if (item instanceof Uint8Array) unpacker.write(item);
    else unpacker.begin(item);
  }
  decoder.finish();
  unpacker.finish();
}

async function assertSame(from: string, to: string): Promise<void> {
  assert.equal(await output(LISTING, to), await output(LISTING, from));
  // The file has nine gigabytes of zeros: compare its blocks and its data.
  assert.equal(await output("stat -c %b hole zeros", to), await output("stat -c %b hole zeros", from));
  const pieces = "for at in 100 4000000000 9000000000; do dd if=hole bs=1 skip=$at count=11 status=none; done; cat a/f";
  assert.equal(await output(pieces, to), await output(pieces, from));
  await output(`cmp full ../from/full; n=$(ls -d nn*); cmp $n/$n ../from/$n/$n`, to);
  for (const [path, name, value] of ATTRIBUTES) {
    using file = new OwnedFd(files.open(cString(`${to}/${path}`), O.RDONLY));
    assert.deepEqual(xattrs.fgetxattr(file.fd, cString(name)), value, `${path}: ${name}`);
  }
}

Deno.test({
  name: "pack and unpack preserve owners, modes, nanoseconds, links, extended attributes, ACLs and holes",
  ...requires("root"),
  fn: inDir(async (dir) => {
    const [from, to, gnu] = ["from", "to", "gnu"].map((name) => `${dir}/${name}`) as [string, string, string];
    for (const directory of [from, to, gnu]) await Deno.mkdir(directory);
    await makeTree(from);
    const archive = packed(from);
    assert.ok(archive.length < 400_000, `holes take no room: ${archive.length} bytes`);
    unpack(archive, to);
    await assertSame(from, to);
    await Deno.writeFile(`${dir}/all.tar`, archive);
    await output("tar --numeric-owner --xattrs --xattrs-include='*' -xpf ../all.tar", gnu);
    await assertSame(from, gnu);
    await output("tar --numeric-owner --sparse --format=posix --xattrs --xattrs-include='*' -cf ../gnu.tar .", from);
    const fromGnu = `${dir}/again`;
    await Deno.mkdir(fromGnu);
    unpack(await Deno.readFile(`${dir}/gnu.tar`), fromGnu);
    await assertSame(from, fromGnu);
  }),
});
