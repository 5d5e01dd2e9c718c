/** For tests only: valid layers whose tars are hard to reproduce exactly. */
import { bytesOf, END_OF_TAR } from "../../tar/mod.ts";
import { formatRecord } from "../../tar/pax.ts";
import { concat, octal, rawBlock, rawExtension, rawFile } from "../../tar/tar_testing.ts";

/** Tars by the property that makes them special. */
export const EDGE_CASE_LAYERS: Record<string, Uint8Array> = {
  "no entries": END_OF_TAR,
  "no bytes": new Uint8Array(0),
  "no zero blocks at the end": rawFile("f", "content"),
  "data after the end": concat(rawFile("f", "content"), END_OF_TAR, bytesOf("trailing".repeat(1000))),
  "padding that isn't zero": concat(
    rawBlock({ name: "f", size: octal(3) }),
    bytesOf("abc" + "!".repeat(509)),
    END_OF_TAR,
  ),
  "repeated entries": concat(rawFile("f", "first"), rawFile("f", "second"), rawFile("f", "third"), END_OF_TAR),
  "a hard link whose first name is replaced": concat(
    rawFile("f", "shared"),
    rawBlock({ name: "g", flag: "1", linkName: "f" }),
    rawFile("f", "new"),
    rawBlock({ name: "h", flag: "1", linkName: "g" }),
    END_OF_TAR,
  ),
  "a hard link whose names are both replaced": concat(
    rawFile("f", "shared"),
    rawBlock({ name: "g", flag: "1", linkName: "f" }),
    rawFile("f", "1"),
    rawFile("g", "2"),
    END_OF_TAR,
  ),
  "a directory with files that is replaced by a file": concat(
    rawFile("d/e/f", "in"),
    rawFile("d/g", ""),
    rawBlock({ name: "d/s", flag: "2", linkName: "g" }),
    rawFile("d", "out"),
    END_OF_TAR,
  ),
  "a whiteout with content": concat(rawFile(".wh.f", "content of a whiteout"), END_OF_TAR),
  "aufs metadata": concat(rawFile(".wh..wh.plnk/1.2", "linked"), END_OF_TAR),
  "a sparse file that is replaced": concat(
    rawExtension("x", formatRecord("GNU.sparse.map", "10,4,5000,4") + formatRecord("GNU.sparse.size", "9000")),
    rawFile("s", "datatada"),
    rawFile("s", "plain"),
    END_OF_TAR,
  ),
  "a redundant pax header": concat(
    rawExtension("x", formatRecord("comment", "hello")),
    rawFile("f", "x"),
    END_OF_TAR,
  ),
};
