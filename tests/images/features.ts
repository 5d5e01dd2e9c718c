/**
 * Layers with every ordinary feature at least once: hard links, setuid, xattrs and file capabilities, whiteouts, opaque
 * directories, type changes, long and non-ASCII names, large IDs. Nothing malicious.
 */
import { expectedTree } from "./expected_tree.ts";
import type { TreeEntry } from "../harness/tree_listing.ts";
import { busyboxBuilder } from "./busybox.ts";
import { bytesOf, concat } from "./bytes.ts";
import { CAP_NET_BIND_SERVICE, fileCapability } from "./file_capability.ts";
import type { BuilderOptions, Image } from "./image_builder.ts";
import { charDevice, dir, fifo, file, hardLink, opaque, symlink, type TarEntry, whiteout } from "./tar_entries.ts";

/** An image and the listing of its root file system (without the root directory itself). */
export interface ImageWithTree {
  readonly image: Image;
  readonly expectedTree: readonly TreeEntry[];
}

/** Builds busybox and five small layers on top, each with another compression. Takes about a second; needs root. */
export async function featureImage(options: BuilderOptions = {}): Promise<ImageWithTree> {
  const image = await busyboxBuilder(options)
    .layer(featureEntries(), { compression: "none" })
    .layer(changeEntries(), { compression: options.format === "docker" ? "gzip" : "zstd" })
    .layer([])
    .layer(returnEntries())
    .layer([]) // The same empty layer twice: equal digests in one manifest are usual.
    .build();
  return { image, expectedTree: await expectedTree(image) };
}

/** Returns new entries under features/. */
export function featureEntries(): TarEntry[] {
  return [
    dir("features"),
    ...["gone", "opaque", "opaque/deep", "retyped", "retyped/folder"].map((name) => dir(`features/${name}`)),
    file("features/gone/file", "removed by the next layer"),
    dir("features/gone/tree"),
    file("features/gone/tree/leaf", "removed with its folder"),
    file("features/gone/back", "removed, and made again two layers later"),
    file("features/opaque/hidden", "hidden by an opaque folder"),
    file("features/opaque/deep/hidden", "hidden too"),
    file("features/retyped/folder/leaf", "its folder becomes a link"),
    file("features/retyped/file", "becomes a folder"),
    symlink("features/retyped/link", "folder"),
    ...linkEntries(),
    ...metadataEntries(),
    ...nameEntries(),
  ];
}

/** Returns changes of the entries of {@link featureEntries}. */
export function changeEntries(): TarEntry[] {
  return [
    dir("features"),
    dir("features/gone"),
    whiteout("features/gone/file"),
    whiteout("features/gone/tree"),
    whiteout("features/gone/back"),
    dir("features/opaque", { mode: 0o750, uid: 1000, gid: 1000 }),
    file("features/opaque/own", "of the upper layer"),
    opaque("features/opaque"), // After a file in the same directory, the order of some builders.
    dir("features/retyped"),
    symlink("features/retyped/folder", "/etc/passwd"),
    dir("features/retyped/file"),
    file("features/retyped/file/leaf", "in what was a file"),
    file("features/retyped/link", "was a link"),
    dir("features/links"),
    file("features/links/b", "no longer linked to a and c", { mtime: 1_700_000_100 }),
    dir("features/moved", { mtime: 1_700_000_200 }),
    dir("features/metadata"),
    whiteout("features/metadata/setuid"),
    file("features/moved/setuid", "#!/bin/sh\n", { mode: 0o4755, uid: 1000 }),
  ];
}

/** Restores a removed directory with one file. */
export function returnEntries(): TarEntry[] {
  return [dir("features"), dir("features/gone"), file("features/gone/back", "back again", { uid: 1000 })];
}

function linkEntries(): TarEntry[] {
  return [
    dir("features/links"),
    file("features/links/a", "one file, three names", { mode: 0o640, uid: 1000, gid: 2000 }),
    hardLink("features/links/b", "features/links/a", { mode: 0o640, uid: 1000, gid: 2000 }),
    hardLink("features/links/c", "./features/links/a", { mode: 0o640, uid: 1000, gid: 2000 }),
    symlink("features/links/soft", "a"),
    hardLink("features/links/hard-to-soft", "features/links/soft"),
    symlink("features/links/dangling", "no/such/thing"),
    symlink("features/links/absolute", "/features/links/a", { uid: 1000, gid: 1000 }),
  ];
}

function metadataEntries(): TarEntry[] {
  const capability = fileCapability(CAP_NET_BIND_SERVICE);
  return [
    dir("features/metadata", { mtime: 1_600_000_000 }),
    file("features/metadata/setuid", "#!/bin/sh\n", { mode: 0o4755 }),
    dir("features/metadata/setgid", { mode: 0o2775, gid: 2000 }),
    dir("features/metadata/sticky", { mode: 0o1777 }),
    file("features/metadata/capable", "#!/bin/sh\n", { mode: 0o755, xattrs: { "security.capability": capability } }),
    file("features/metadata/user-xattr", "x", {
      xattrs: { "user.tsd": "value", "user.binary": new Uint8Array([1, 0, 10, 61, 255]) },
    }),
    dir("features/metadata/folder-xattr", { xattrs: { "user.tsd": "on a folder" } }),
    file("features/metadata/no-rights", "x", { mode: 0 }),
    file("features/metadata/large-ids", "x", { uid: 0o10000000, gid: 4_000_000_000 }),
    file("features/metadata/old", "x", { mtime: 0 }),
    file("features/metadata/fraction", "x", { pax: { mtime: "1700000000.123456789" } }),
    charDevice("features/metadata/null", 1, 3, { mode: 0o666 }),
    fifo("features/metadata/fifo", { mode: 0o620 }),
    file("features/metadata/blocks", new Uint8Array(512 * 3)),
    file("features/metadata/odd", "y".repeat(100_001)),
  ];
}

function nameEntries(): TarEntry[] {
  const long = "features/names/" + "long-name-".repeat(20);
  return [
    dir("features/names"),
    file(`${long}pax`, "pax"),
    file(`${long}gnu`, "gnu", { longNames: "gnu" }),
    symlink("features/names/pax-target", "t".repeat(150)),
    symlink("features/names/gnu-target", "t".repeat(151), { longNames: "gnu" }),
    dir(`features/names/${"d".repeat(90)}`),
    file(`features/names/${"d".repeat(90)}/${"f".repeat(90)}`, "ustar prefix", { longNames: "ustar" }),
    file("features/names/spaces and\ttabs\nand lines", "odd"),
    file("features/names/größe-日本語", "utf-8"),
    file(concat([bytesOf("features/names/latin1-"), new Uint8Array([0xe4, 0xf6])]), "not utf-8"),
    file("features/names/back\\slash*?[x]", "special"),
    file("features/names/-dash", "x"),
    file("features/names/a.wh.b", "no whiteout"),
  ];
}
