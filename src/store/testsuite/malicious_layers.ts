/**
 * For tests only: layers as an attacker would craft them, and the required outcome of each. Used on the in-memory tree
 * and, by the contract suite, on every driver.
 */
import { END_OF_TAR } from "../../tar/mod.ts";
import { formatRecord } from "../../tar/pax.ts";
import { concat, rawBlock, rawExtension, type RawFields, rawFile } from "../../tar/tar_testing.ts";

/** A layer and its outcome: rejected with a code, or stored with exactly these paths (directories end with `/`). */
export interface MaliciousLayer {
  readonly name: string;
  readonly tar: Uint8Array;
  readonly outcome: { readonly refused: "layer_invalid" | "layer_too_large" } | { readonly paths: readonly string[] };
}

const file = (name: string, content = "data", fields: RawFields = {}) => rawFile(name, content, fields);
const dir = (name: string) => rawBlock({ name, flag: "5", mode: "0000755\0" });
const symlink = (name: string, target: string) => rawBlock({ name, flag: "2", linkName: target });
const link = (name: string, target: string) => rawBlock({ name, flag: "1", linkName: target });
const device = (name: string, flag: "3" | "4", major: number, minor: number) =>
  rawBlock({
    name,
    flag,
    devMajor: `${major.toString(8).padStart(7, "0")}\0`,
    devMinor: `${minor.toString(8).padStart(7, "0")}\0`,
  });
const pax = (records: Record<string, string>) =>
  rawExtension("x", Object.entries(records).map(([key, value]) => formatRecord(key, value)).join(""));

function refused(name: string, ...parts: Uint8Array[]): MaliciousLayer {
  return { name, tar: concat(...parts, END_OF_TAR), outcome: { refused: "layer_invalid" } };
}

function accepted(name: string, paths: readonly string[], ...parts: Uint8Array[]): MaliciousLayer {
  return { name, tar: concat(...parts, END_OF_TAR), outcome: { paths } };
}

/**
 * Returns the layers, aimed at `victim`: the absolute path of a directory with a file `secret` that the suite creates
 * on the host to check that it stays untouched.
 */
export function maliciousLayers(victim: string): readonly MaliciousLayer[] {
  return [...escapes(victim), ...specialNames(victim), ...INVALID];
}

const dotDots = "../".repeat(12);

/** Names and links that try to escape from the layer. */
function escapes(victim: string): MaliciousLayer[] {
  const below = victim.slice(1);
  const inside = below.split("/").map((_, i, names) => `${names.slice(0, i + 1).join("/")}/`);
  return [
    refused("1 a path that climbs out", file(`${dotDots}${below}/secret`)),
    refused("1 a path that climbs out of a directory", dir("d/"), file(`d/${dotDots}${below}/secret`)),
    accepted("1 a path that climbs and stays inside", ["b"], file("a/../b")),
    accepted("2 an absolute path", [...inside, `${below}/secret`], file(`${victim}/secret`)),
    accepted(
      "3 an absolute symlink, then a write through it",
      ["out", ...inside, `${below}/secret`],
      symlink("out", victim),
      file("out/secret"),
    ),
    accepted(
      "4 a relative symlink upwards, then a write through it",
      ["d/", "d/out", ...inside, `${below}/secret`],
      symlink("d/out", `${dotDots}${below}`),
      file("d/out/secret"),
    ),
    refused("4 a symlink loop", symlink("a", "b"), symlink("b", "a"), file("a/f")),
    refused("5 a hard link to a file of the host", link("got", `${victim}/secret`)),
    refused("5 a hard link that climbs out", link("got", `${dotDots}${below}/secret`)),
    refused("6 a hard link through a symlinked directory", symlink("out", victim), link("got", "out/secret")),
    refused("6 the same with the file inside", file("d/f"), symlink("out", "d"), link("got", "out/f")),
    accepted(
      "7 a hard link to a symlink, then a write to it",
      ["first", "second"],
      symlink("first", `${victim}/secret`),
      link("second", "first"),
      file("second"),
    ),
    accepted("8 a symlink replaced by a file", ["f"], symlink("f", `${victim}/secret`), file("f")),
    accepted(
      "8 a symlink replaced by a directory",
      ["f/", "f/secret"],
      symlink("f", victim),
      dir("f/"),
      file("f/secret"),
    ),
    accepted(
      "22 entries that change their type",
      ["a", "b", "c/", "c/new", "e"],
      file("a"),
      symlink("a", victim),
      dir("b/"),
      file("b/gone"),
      file("b"),
      symlink("c", victim),
      dir("c/"),
      file("c/new"),
      device("e", "3", 1, 3),
      symlink("e", victim),
      file("e"),
    ),
  ];
}

/** Names and xattrs with a special meaning to a driver. */
function specialNames(victim: string): MaliciousLayer[] {
  return [
    refused("9 a whiteout of .", file(".wh..")),
    refused("9 a whiteout of ..", file(".wh...")),
    refused("9 a whiteout of nothing", file(".wh.")),
    refused("9 the same in a directory", file("d/.wh...")),
    refused("10 a whiteout behind a symlink", symlink("out", victim), file("out/.wh.secret")),
    refused("10 an opaque marker behind a symlink", symlink("out", victim), file("out/.wh..wh..opq")),
    refused("10 a whiteout with slashes", file(`.wh.d/${dotDots}${victim.slice(1)}/secret`)),
    refused("10 a file below a whiteout", file(".wh.d/secret")),
    refused("10 a file behind a symlink to a whiteout's name", symlink("out", ".wh.d"), file("out/secret")),
    accepted("11 an opaque marker at the root", ["own"], file(".wh..wh..opq"), file("own")),
    accepted(
      "12 aufs metadata",
      ["own"],
      dir(".wh..wh.plnk/"),
      file(".wh..wh.plnk/12.34"),
      file(".wh..wh.aufs"),
      dir(".wh..wh.orph/"),
      file("own"),
    ),
    refused("12 a hard link into aufs metadata", file(".wh..wh.plnk/12.34"), link("got", ".wh..wh.plnk/12.34")),
    refused("13 a root that is a symlink", symlink("./", victim)),
    refused("13 a root that is a file", file(".")),
    refused("13 a root that is a hard link", file("f"), link("/", "f")),
    refused("15 the character device 0:0", device("null", "3", 0, 0)),
    refused("15 the block device 0:0", device("null", "4", 0, 0)),
    accepted(
      "16 attributes that steer overlayfs",
      ["d/", "f"],
      pax({ "SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.trusted.overlay.opaque": "y" }),
      dir("d/"),
      pax({ "SCHILY.xattr.user.overlay.metacopy": "", "SCHILY.xattr.trusted.overlay.metacopy": "" }),
      file("f"),
    ),
  ];
}

/** Layers that are invalid in themselves. */
const INVALID: readonly MaliciousLayer[] = [
  refused("17 a name of 300 bytes", pax({ path: "n".repeat(300) }), file("f")),
  refused("17 a path of 5,000 bytes", pax({ path: "deep/".repeat(1000) + "f" }), file("f")),
  refused(
    "17 a path that gets too long behind a symlink",
    pax({ path: "deep/".repeat(700) }),
    dir("d/"),
    pax({ linkpath: "deep/".repeat(700) }),
    symlink("out", "deep"),
    pax({ path: "out/" + "more/".repeat(200) + "f" }),
    file("f"),
  ),
  refused("18 a pax record of 8 MiB", rawExtension("x", formatRecord("comment", "x".repeat(8 << 20))), file("f")),
  refused("19 a negative size", rawBlock({ size: "\xff".repeat(12) })),
  refused("19 a size of 2^62", rawBlock({ size: "\x80\0\0\0\x40\0\0\0\0\0\0\0" })),
  {
    name: "19 a size beyond the limit",
    tar: concat(rawBlock({ size: "\x80\0\0\0\0\0\x7f\0\0\0\0\0" }), END_OF_TAR),
    outcome: { refused: "layer_too_large" },
  },
  {
    name: "19 a sparse file beyond the limit",
    tar: concat(
      pax({ "GNU.sparse.map": "0,4", "GNU.sparse.size": String(2 ** 50), "GNU.sparse.numblocks": "1" }),
      file("sparse"),
      END_OF_TAR,
    ),
    outcome: { refused: "layer_too_large" },
  },
  {
    name: "20 a tar that is cut off",
    tar: file("f", "x".repeat(2000)).subarray(0, 1500),
    outcome: { refused: "layer_invalid" },
  },
  refused("21 a file, then a child of it", file("f"), file("f/child")),
  refused("21 a device, then a child of it", device("f", "3", 1, 3), file("f/child")),
  refused("21 a symlink to a file, then a child of it", file("f"), symlink("s", "f"), file("s/child")),
  refused("22 a hard link that replaces its target's directory", file("d/f"), link("d", "d/f")),
  refused("22 a hard link to itself", file("f"), link("f", "f")),
  refused("22 a hard link to a directory", dir("d/"), link("got", "d")),
  refused("23 a NUL in a name", pax({ path: "a\0b" }), file("f")),
  accepted("23 a newline in a name", ["a\nb"], file("a\nb")),
  refused("a user id that means unchanged", pax({ uid: "4294967295" }), file("f")),
  refused("a symlink without a target", symlink("f", "")),
];
