/**
 * @module
 * The portable form of the executable: `portable_head.sh`, the bundle as tar.gz, and this Deno as gzip, in one file. tar
 * and gzip are on every Debian, zstd and xz are not. The bundle comes first, so that a new build with the same Deno
 * unpacks in no time.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { DEFAULT_SOCKET } from "../src/client/host.ts";
import { COMMANDS } from "../src/commands/table.ts";
import { SLOTS } from "../src/command_server/slots.ts";
import { NotPrelinkable, prelink } from "./prelink.ts";
import { capture, exists, filesBelow } from "./project.ts";
import { CLIENT_V8_FLAGS, ENGINE_V8_FLAGS } from "./v8_flags.ts";

const HEAD_FILE = new URL("./portable_head.sh", import.meta.url);
/** The head is padded to this length, so that the offsets written in it don't depend on their own digits. */
const HEAD_SIZE_BYTES = 32_768;
/** Digest characters that name a cache folder: 128 bits. */
const NAME_LENGTH = 32;
/** Which builds' folders a newer one removes: see `tidy` in the head. At most so many at once, as somebody waits. */
const TIDYING = { UNUSED_DAYS: 7, NEWEST: 3, MOST_REMOVED: 20 };

/** What the head has to know about the payload behind it. */
export interface PortableInfo {
  /** Name of the bundle's folder in the cache: its archive's digest. */
  readonly app: string;
  /** What `--version` says. */
  readonly version: string;
  readonly appSizeBytes: number;
  /** The bundle's files, relative to its folder, with their sizes. */
  readonly appFiles: ReadonlyArray<{ readonly path: string; readonly sizeBytes: number }>;
  /** Digest of the Deno executable as it is packed, which names its folder. */
  readonly runtime: string;
  readonly runtimeSizeBytes: number;
  readonly runtimeCompressedSizeBytes: number;
}

/** Writes the portable executable to `output` (0755); `keepDir` keeps compressed runtimes for later builds. */
export async function buildPortable(
  bundleDir: string,
  output: string,
  keepDir: string,
  version: string,
): Promise<void> {
  const archive = await archiveOf(bundleDir);
  const runtime = await runtimeBytes();
  const digest = createHash("sha256").update(runtime).digest("hex");
  const compressed = await compressOnce(runtime, join(keepDir, `deno-${digest.slice(0, NAME_LENGTH)}.gz`));
  const head = renderHead(await Deno.readTextFile(HEAD_FILE), {
    app: createHash("sha256").update(archive.bytes).digest("hex").slice(0, NAME_LENGTH),
    version,
    appSizeBytes: archive.bytes.length,
    appFiles: archive.files,
    runtime: digest.slice(0, NAME_LENGTH),
    runtimeSizeBytes: runtime.length,
    runtimeCompressedSizeBytes: (await Deno.stat(compressed)).size,
  });
  await Deno.writeFile(output, head);
  await Deno.writeFile(output, archive.bytes, { append: true });
  await pipeline(createReadStream(compressed), createWriteStream(output, { flags: "a" }));
  await Deno.chmod(output, 0o755);
}

/** The head with its `@NAME@` places filled, padded with newlines that no shell reaches. */
export function renderHead(template: string, info: PortableInfo): Uint8Array {
  const megabytes = Math.ceil((info.runtimeSizeBytes + sum(info.appFiles.map((file) => file.sizeBytes))) / 1e6);
  const cached = [
    { path: "$_runtime/tsd", mode: 700, sizeBytes: info.runtimeSizeBytes },
    ...info.appFiles.map(({ path, sizeBytes }) => ({ path: `$_app/${plainName(path)}`, mode: 600, sizeBytes })),
  ];
  const values: Record<string, string | number> = {
    ...TIDYING,
    CLIENT_FLAGS: CLIENT_V8_FLAGS.join(","),
    ENGINE_FLAGS: ENGINE_V8_FLAGS.join(","),
    APP: info.app,
    VERSION: info.version,
    SOCKET: DEFAULT_SOCKET,
    SLOTS: Array.from({ length: SLOTS }, (_, number) => number).join(" "),
    SERVED: servedCommandNames().join(" | "),
    APP_START: HEAD_SIZE_BYTES + 1, // `tail -c +N` counts from 1
    APP_SIZE: info.appSizeBytes,
    RUNTIME: info.runtime,
    RUNTIME_START: HEAD_SIZE_BYTES + info.appSizeBytes + 1,
    RUNTIME_SIZE: info.runtimeSizeBytes,
    SIZE: HEAD_SIZE_BYTES + info.appSizeBytes + info.runtimeCompressedSizeBytes,
    ROOM: megabytes,
    FILES: cached.map(({ path }) => `"$_cache/${path}"`).join(" "),
    INFO: cached.map(({ mode, sizeBytes }) => `${mode}:${sizeBytes}`).join("\n"),
  };
  const head = template.replace(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`scripts/portable_head.sh: unknown place @${name}@`);
    return String(value);
  });
  const bytes = new TextEncoder().encode(head);
  if (bytes.length > HEAD_SIZE_BYTES) {
    throw new Error(`The head has ${bytes.length} bytes, room is for ${HEAD_SIZE_BYTES}`);
  }
  const padded = new Uint8Array(HEAD_SIZE_BYTES).fill("\n".charCodeAt(0));
  padded.set(bytes);
  return padded;
}

/** What command lines begin with that an engine may do. */
function servedCommandNames(): string[] {
  const names = COMMANDS.filter(({ served }) => served !== undefined).flatMap(({ names }) => names);
  return [...new Set(names.map((name) => name.split(" ")[0]!))].sort();
}

/** A name that needs no quoting in the head. */
function plainName(path: string): string {
  if (!/^[\w./-]+$/.test(path)) throw new Error(`The bundle has a file with an odd name: ${path}`);
  return path;
}

/** The bundle as tar.gz: the same bytes for the same files, private whoever unpacks it. */
async function archiveOf(bundleDir: string): Promise<{ bytes: Uint8Array; files: PortableInfo["appFiles"] }> {
  const paths = (await filesBelow(bundleDir)).map((path) => relative(bundleDir, path));
  const files = await Promise.all(
    paths.map(async (path) => ({ path, sizeBytes: (await Deno.stat(join(bundleDir, path))).size })),
  );
  const normal = ["--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go="];
  const { stdout } = await capture("tar", ["-c", "-I", "gzip -9n", ...normal, "-C", bundleDir, "--", ...paths]);
  return { bytes: stdout, files };
}

/** This Deno, prelinked where that can be done: it starts sooner then. */
async function runtimeBytes(): Promise<Uint8Array> {
  const prelinked = await Deno.readFile(Deno.execPath());
  try {
    prelink(prelinked);
    return prelinked;
  } catch (error) {
    if (!(error instanceof NotPrelinkable)) throw error;
    console.warn(`compile: ${Deno.execPath()} stays as it is: ${error.message}`);
    return await Deno.readFile(Deno.execPath());
  }
}

/** Gzips `source` to `target` unless that is there: Deno's 95 MB take seconds, and change only with its version. */
async function compressOnce(source: Uint8Array, target: string): Promise<string> {
  if (await exists(target)) return target;
  const incomplete = `${target}.unfinished`;
  await pipeline([source], createGzip({ level: 9 }), createWriteStream(incomplete));
  await Deno.rename(incomplete, target);
  return target;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
