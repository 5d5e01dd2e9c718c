/** For tests only: sound layers whose tars are hard to give back byte by byte. */
import { bytesOf, END_OF_TAR } from "../../tar/mod.ts";
import { formatRecord } from "../../tar/pax.ts";
import { concat, octal, rawBlock, rawExtension, rawFile } from "../../tar/tar_testing.ts";

/** By what is odd about them. */
export const EDGE_CASE_LAYERS: Record<string, Uint8Array> = {
  "no entries": END_OF_TAR,
  "no bytes": new Uint8Array(0),
  "no blocks of zeros at the end": rawFile("f", "content"),
  "more after the end": concat(rawFile("f", "content"), END_OF_TAR, bytesOf("trailing".repeat(1000))),
  "padding that isn't zero": concat(
    rawBlock({ name: "f", size: octal(3) }),
    bytesOf("abc" + "!".repeat(509)),
    END_OF_TAR,
  ),
  "entries that repeat": concat(rawFile("f", "first"), rawFile("f", "second"), rawFile("f", "third"), END_OF_TAR),
  "a hard link whose first name is replaced": concat(
    rawFile("f", "shared"),
    rawBlock({ name: "g", flag: "1", linkName: "f" }),
    rawFile("f", "new"),
    rawBlock({ name: "h", flag: "1", linkName: "g" }),
    END_OF_TAR,
  ),
  "a hard link of which both names are replaced": concat(
    rawFile("f", "shared"),
    rawBlock({ name: "g", flag: "1", linkName: "f" }),
    rawFile("f", "1"),
    rawFile("g", "2"),
    END_OF_TAR,
  ),
  "a folder with files that becomes a file": concat(
    rawFile("d/e/f", "in"),
    rawFile("d/g", ""),
    rawBlock({ name: "d/s", flag: "2", linkName: "g" }),
    rawFile("d", "out"),
    END_OF_TAR,
  ),
  "a whiteout with content": concat(rawFile(".wh.f", "content of a whiteout"), END_OF_TAR),
  "bookkeeping of aufs": concat(rawFile(".wh..wh.plnk/1.2", "linked"), END_OF_TAR),
  "a sparse file that is replaced": concat(
    rawExtension("x", formatRecord("GNU.sparse.map", "10,4,5000,4") + formatRecord("GNU.sparse.size", "9000")),
    rawFile("s", "datatada"),
    rawFile("s", "plain"),
    END_OF_TAR,
  ),
  "a pax header that nothing needs": concat(
    rawExtension("x", formatRecord("comment", "hello")),
    rawFile("f", "x"),
    END_OF_TAR,
  ),
};
