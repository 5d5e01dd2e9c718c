/** Whiteouts and names reserved by aufs (numbers 9 to 12 of the list). */
import type { HostileLayers } from "./malicious.ts";
import { layered } from "./malicious_builder.ts";
import { dir, file, opaque, symlink, whiteout } from "./tar_entries.ts";

const BASE = [dir("d"), file("d/lower", "lower"), file("lower", "lower")];

const wrongNames = [".wh.", ".wh..", ".wh..."].flatMap((name) => [
  layered(9, `whiteout-${name}`, `a whiteout named ${name} at the root`, "refused", () => [BASE, [file(name)]]),
  layered(9, `whiteout-d-${name}`, `a whiteout named ${name} in a folder`, "refused", () => [
    BASE,
    [dir("d"), file(`d/${name}`)],
  ]),
]);

export const HOSTILE_WHITEOUTS: readonly HostileLayers[] = [
  ...wrongNames,
  layered(10, "whiteout-through-symlink", "a whiteout through a link to a host folder", "either", (victim) => [
    [symlink("escape", victim.dir)],
    [whiteout("escape/secret"), whiteout("escape/folder")],
  ]),
  layered(10, "opaque-through-symlink", "an opaque mark through a link to a host folder", "either", (victim) => [
    [symlink("escape", victim.dir)],
    [opaque("escape")],
  ]),
  layered(10, "whiteout-as-folder", "a whiteout in the middle of a path", "either", (victim) => [
    BASE,
    [dir("d"), file(`d/.wh.lower/${victim.upwards("secret")}`, "changed")],
  ]),
  layered(10, "whiteout-as-folder-inside", "a whiteout as a folder, with a file in it", "either", () => [
    BASE,
    [dir("d"), dir("d/.wh.lower"), file("d/.wh.lower/child", "x")],
  ], { root: { "d/.wh.lower": "absent" } }),
  layered(10, "whiteout-dotdot", "whiteouts of host files by ../", "either", (victim) => [
    BASE,
    [whiteout(victim.upwards("secret")), whiteout(victim.upwards("folder"))],
  ]),
  layered(11, "opaque-root", "the root is opaque: all below hidden, own files kept", "contained", () => [
    BASE,
    [dir("own"), file("own/first", "own"), opaque(""), file("second", "own")],
  ], { root: { d: "absent", lower: "absent", "own/first": { content: "own" }, second: { content: "own" } } }),
  layered(12, "aufs-names", "names that aufs used for itself are not visible", "contained", () => [
    [
      ...BASE,
      dir(".wh..wh.plnk"),
      file(".wh..wh.plnk/1.2", "x"),
      dir(".wh..wh.orph"),
      file(".wh..wh.aufs", ""),
      file("d/.wh..wh.odd", "x"),
    ],
  ], {
    root: {
      ".wh..wh.plnk": "absent",
      ".wh..wh.orph": "absent",
      ".wh..wh.aufs": "absent",
      "d/.wh..wh.odd": "absent",
      "d/lower": { content: "lower" },
    },
  }),
  layered(undefined, "whiteout-of-nothing", "a whiteout of something that never was", "contained", () => [
    BASE,
    [dir("d"), whiteout("d/never"), whiteout("never")],
  ], { root: { "d/lower": { content: "lower" }, never: "absent", ".wh.never": "absent" } }),
];
