/** Devices, attributes, and headers with false or too large values (numbers 14 to 20 and 24 of the list). */
import { bytesOf, concat } from "./bytes.ts";
import { busyboxBuilder } from "./busybox.ts";
import type { HostileLayers } from "./malicious.ts";
import { layered } from "./malicious_builder.ts";
import { ImageBuilder } from "./image_builder.ts";
import { blockDevice, charDevice, dir, file, rawBytes, type TarEntry } from "./tar_entries.ts";
import { base256, encodeHeader, type HeaderFields } from "./tar_header.ts";
import { gnuLongName, padded, paxMember } from "./tar_writer.ts";

const MEBIBYTE = 1024 * 1024;

const header = (fields: Partial<HeaderFields>): TarEntry => (
  rawBytes(encodeHeader({ name: "odd", type: "0", mode: 0o644, ...fields }))
);

/** Truncated archives; the blob's digest and the diffID are correct. */
const truncated = (name: string, what: string, bytes: Uint8Array): HostileLayers => ({
  ...{ kind: "layers", number: 20, name, what, expect: "refused" },
  build: () => new ImageBuilder().layerFrom({ tar: [bytes] }).build(),
});

const nodes: HostileLayers = {
  ...{ kind: "layers", number: 14, name: "device-nodes", expect: "contained" },
  what: "nodes of a disk and of the kernel's memory: opening them has to fail",
  probe: { command: ["sh", "-c", "head -c 1 /disk || head -c 1 /mem || head -c 1 /loop"], expect: "fails" },
  build: () =>
    busyboxBuilder()
      .layer([blockDevice("disk", 254, 0, { mode: 0o666 }), charDevice("mem", 1, 1, { mode: 0o666 })])
      .layer([blockDevice("loop", 7, 0, { mode: 0o666 })])
      .build(),
};

const bomb = (compression: "gzip" | "zstd"): HostileLayers => ({
  ...{ kind: "layers", number: 24, name: `bomb-${compression}`, expect: "either" },
  what: "1 GiB of zeros in a few KiB or one MiB: refused by a cap, or with less than 200 MiB of memory",
  build: () =>
    new ImageBuilder().layer([file("zeros", { sizeBytes: 1024 * MEBIBYTE, chunks: zeros })], { compression }).build(),
});

function* zeros(): Iterable<Uint8Array> {
  const chunk = new Uint8Array(MEBIBYTE);
  for (let count = 0; count < 1024; count++) yield chunk;
}

const overlayAttributes = layered(16, "overlay-xattrs", "attributes that overlayfs would obey", "contained", () => [
  [dir("d"), file("d/lower", "lower"), file("plain", "plain")],
  [
    dir("d", { xattrs: { "trusted.overlay.opaque": "y", "user.overlay.opaque": "y" } }),
    file("d/upper", "upper"),
    dir("redirected", { xattrs: { "trusted.overlay.redirect": "/d", "user.overlay.redirect": "/d" } }),
    file("meta", "own", { xattrs: { "trusted.overlay.metacopy": "", "trusted.overlay.redirect": "/plain" } }),
  ],
], {
  root: {
    "d/lower": { content: "lower" },
    "d/upper": { content: "upper" },
    redirected: "dir",
    "redirected/lower": "absent",
    meta: { content: "own" },
  },
});

export const HOSTILE_ENTRIES: readonly HostileLayers[] = [
  nodes,
  layered(15, "node-0-0", "a 0:0 character node, which overlayfs takes for a whiteout", "refused", () => [
    [dir("d"), file("d/lower", "lower")],
    [dir("d"), charDevice("d/lower", 0, 0)],
  ]),
  layered(15, "block-node-0-0", "a 0:0 block node", "refused", () => [[blockDevice("b", 0, 0)]]),
  overlayAttributes,
  layered(17, "name-300", "a name of 300 bytes", "refused", () => [[file("kept", ""), file("n".repeat(300), "x")]]),
  layered(
    17,
    "path-5000",
    "a path of 5,000 bytes",
    "refused",
    () => [[file("kept", ""), file("d/".repeat(2500) + "f")]],
  ),
  layered(18, "pax-8mib", "a pax record of 8 MiB", "refused", () => [
    [rawBytes(paxMember({ comment: "c".repeat(8 * MEBIBYTE) })), file("kept", "")],
  ]),
  layered(18, "gnu-name-8mib", "a GNU long name of 8 MiB", "refused", () => [
    [rawBytes(gnuLongName(bytesOf("n".repeat(8 * MEBIBYTE)), "L")), file("kept", "")],
  ]),
  layered(18, "pax-length-lies", "pax records whose lengths are wrong", "refused", () => [
    [
      rawBytes(encodeHeader({ name: "x", type: "x", size: 20 })),
      rawBytes(padded(bytesOf("99999999 path=a\n0 b=\n"))),
      file("k"),
    ],
  ]),
  layered(19, "size-huge", "a base-256 size of 2^62", "refused", () => [[header({ size: base256(2n ** 62n, 12) })]]),
  layered(
    19,
    "size-over-64-bits",
    "a base-256 size of 2^80",
    "refused",
    () => [[header({ size: base256(2n ** 80n, 12) })]],
  ),
  layered(19, "size-negative", "a negative base-256 size", "refused", () => [[header({ size: base256(-512n, 12) })]]),
  layered(19, "size-pax-negative", "a negative size by pax", "refused", () => [
    [rawBytes(paxMember({ size: "-1" })), header({ name: "f" })],
  ]),
  layered(
    19,
    "checksum-wrong",
    "a header with a wrong checksum",
    "refused",
    () => [[file("a"), header({ checksum: 7 })]],
  ),
  truncated(
    "tar-ends-in-data",
    "a tar that ends inside a file",
    concat([
      encodeHeader({ name: "f", type: "0", mode: 0o644, size: 1000 }),
      new Uint8Array(600),
    ]),
  ),
  truncated(
    "tar-ends-in-header",
    "a tar that ends inside a header",
    concat([
      encodeHeader({ name: "f", type: "0", mode: 0o644 }),
      encodeHeader({ name: "g", type: "0", mode: 0o644 }).subarray(0, 300),
    ]),
  ),
  truncated("not-a-tar", "text instead of a tar", bytesOf("This is no archive. ".repeat(100))),
  bomb("gzip"),
  bomb("zstd"),
];
