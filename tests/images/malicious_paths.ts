/** Paths and links that point out of the root (numbers 1 to 8, 13, 21 to 23 of the list). */
import type { HostileLayers } from "./malicious.ts";
import { layered } from "./malicious_builder.ts";
import { paxMember } from "./tar_writer.ts";
import { encodeHeader } from "./tar_header.ts";
import { bytesOf, concat } from "./bytes.ts";
import { dir, file, hardLink, rawBytes, symlink } from "./tar_entries.ts";

export const HOSTILE_PATHS: readonly HostileLayers[] = [
  layered(1, "dotdot-path", "a file whose path climbs out with ../", "either", (victim) => [
    [file(victim.upwards("planted"), "planted")],
  ]),
  layered(1, "dotdot-inside-path", "a file whose path climbs out in its middle", "either", (victim) => [
    [dir("a"), file(`a/b/../../${victim.upwards("planted")}`, "planted")],
  ]),
  layered(2, "absolute-path", "a file with an absolute path", "either", (victim) => [
    [file(`${victim.dir}/planted`, "planted"), file(`//${victim.relative("planted-too")}`, "planted")],
  ]),
  layered(3, "absolute-symlink-write", "a link to a host folder, then a file through it", "either", (victim) => [
    [symlink("escape", victim.dir), file("escape/planted", "planted"), file("escape/secret", "changed")],
  ]),
  layered(3, "absolute-symlink-write-later-layer", "the same, with the file in the next layer", "either", (victim) => [
    [symlink("escape", victim.dir)],
    [file("escape/planted", "planted"), file("escape/secret", "changed")],
  ]),
  layered(4, "relative-symlink-write", "a link that climbs out, then a file through it", "either", (victim) => [
    [symlink("escape", victim.upwards("folder")), file("escape/planted", "planted")],
  ]),
  layered(4, "symlink-chain-write", "links that climb out one step each, then a file", "either", (victim) => [
    [
      dir("a"),
      dir("a/b"),
      symlink("a/b/up", ".."),
      symlink("a/b/upup", "up/../.."),
      file(`a/b/upup/${victim.upwards("planted")}`, "planted"),
    ],
  ]),
  layered(5, "hardlink-to-host", "a hard link to a file of the host by its absolute path", "either", (victim) => [
    [hardLink("stolen", `${victim.dir}/secret`)],
  ]),
  layered(5, "hardlink-to-host-dotdot", "a hard link to a file of the host by ../", "either", (victim) => [
    [hardLink("stolen", victim.upwards("secret")), file("stolen", "overwritten")],
  ]),
  layered(6, "hardlink-through-symlink", "a hard link through a linked folder", "refused", (victim) => [
    [symlink("folder", victim.dir), hardLink("stolen", "folder/secret")],
  ]),
  layered(7, "hardlink-to-symlink-write", "a hard link to a link, then written as a file", "contained", (victim) => [
    [symlink("soft", `${victim.dir}/secret`), hardLink("hard", "soft"), file("hard", "last")],
  ], { root: { hard: { content: "last" } } }),
  layered(8, "symlink-replaced-by-file", "a file over a link to a host file", "contained", (victim) => [
    [symlink("here", `${victim.dir}/secret`), file("here", "last")],
  ], { root: { here: { content: "last" } } }),
  layered(8, "symlink-replaced-later", "the same, with the file in the next layer", "contained", (victim) => [
    [symlink("here", `${victim.dir}/secret`)],
    [file("here", "last")],
  ], { root: { here: { content: "last" } } }),
  layered(13, "root-is-symlink", "a root entry that is a link to the host, then a file", "either", (victim) => [
    [symlink("./", victim.dir), file("planted", "planted")],
  ]),
  layered(13, "root-is-file", "a root entry that is a file", "either", () => [
    [file(".", "root"), file("kept", "kept")],
  ]),
  layered(21, "child-of-file", "a file, then a child of it", "refused", () => [[file("a", "1"), file("a/b", "2")]]),
  layered(22, "type-changes", "entries that change their type; the last one counts", "contained", (victim) => [
    [
      dir("x"),
      file("x/child", "gone"),
      symlink("x", victim.dir),
      file("x", "last"),
      symlink("z", victim.dir),
      dir("z"),
      file("z/planted", "inside"),
    ],
  ], { root: { x: { content: "last" }, z: "dir", "z/planted": { content: "inside" } } }),
  layered(23, "nul-in-name", "a NUL byte in a name, by pax", "refused", () => [
    [rawBytes(concat([paxMember({ path: "good\0bad" }), encodeHeader({ name: "short", type: "0", mode: 0o644 })]))],
  ]),
  layered(23, "nul-in-link", "a NUL byte in the target of a link, by pax", "refused", () => [
    [rawBytes(concat([paxMember({ linkpath: "good\0bad" }), encodeHeader({ name: "s", type: "2", mode: 0o777 })]))],
  ]),
  layered(23, "newline-in-name", "a newline in a name is an ordinary byte", "contained", () => [
    [file("new\nline", "kept")],
  ], { root: { "new\nline": { content: "kept" } } }),
  layered(undefined, "empty-name", "an entry without a name", "either", () => [
    [file(bytesOf(""), "nameless"), file("kept", "kept")],
  ]),
];
