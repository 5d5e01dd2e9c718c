/**
 * @module
 * `--init`: finds the small program that becomes process 1 of a container, forwards signals and reaps orphans. It must
 * be static, because the container has none of the host's libraries.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";

/**
 * Paths of init programs, the best known first: of the packages tini (Debian's and others'), docker.io, docker-ce,
 * catatonit, podman.
 */
export const INIT_PROGRAMS: readonly string[] = [
  "/usr/bin/tini-static",
  "/usr/local/bin/tini-static",
  "/sbin/tini-static",
  "/usr/libexec/docker/docker-init",
  "/usr/local/libexec/docker/docker-init",
  "/usr/bin/docker-init",
  "/usr/local/bin/docker-init",
  "/usr/bin/catatonit",
  "/usr/local/bin/catatonit",
  "/usr/libexec/podman/catatonit",
  "/usr/libexec/catatonit/catatonit",
  // Static on some systems; inspected like the others.
  "/usr/bin/tini",
  "/sbin/tini",
];

/**
 * Returns the init program for a container that requests one, as the OCI configuration's generator takes it.
 * @throws {TsdError} runtime_missing
 */
export async function initProgram(
  { Init: requested, PidMode: pidMode }: Pick<HostConfig, "Init" | "PidMode">,
  candidates: readonly string[] = INIT_PROGRAMS,
): Promise<{ init?: { readonly path: string } }> {
  // In another container's pid namespace it would not be process 1. Docker omits it then.
  const isFirst = pidMode === undefined || pidMode === "" || pidMode === "private";
  if (!requested || !isFirst) return {};
  const path = await findInitProgram(candidates);
  if (path !== undefined) return { init: { path } };
  throw new TsdError(
    "runtime_missing",
    "Cannot use --init: this machine has no static init program (tini-static, docker-init, catatonit); " +
      "install the package tini",
  );
}

/** Returns the first candidate that is a static executable. */
export async function findInitProgram(candidates: readonly string[] = INIT_PROGRAMS): Promise<string | undefined> {
  for (const path of candidates) if (await isStaticProgram(path)) return path;
}

const ELF = { magic: 0x7f454c46, headerBytes: 64, class64: 2, little: 1, interpreter: 3 } as const;
/** Program headers directly follow the file header. */
const READ_BYTES = 8192;

/** Returns whether a file is an executable 64-bit program without a dynamic linker (elf(5)). */
async function isStaticProgram(path: string): Promise<boolean> {
  const head = await beginning(path);
  if (head === undefined || head.byteLength < ELF.headerBytes) return false;
  if (head.getUint32(0) !== ELF.magic || head.getUint8(4) !== ELF.class64 || head.getUint8(5) !== ELF.little) {
    return false;
  }
  const offset = Number(head.getBigUint64(32, true));
  const sizeBytes = head.getUint16(54, true);
  const count = head.getUint16(56, true);
  if (sizeBytes === 0 || offset + sizeBytes * count > head.byteLength) return false;
  return Array.from({ length: count }, (_, i) => head.getUint32(offset + i * sizeBytes, true))
    .every((type) => type !== ELF.interpreter);
}

/** Returns the first bytes of an executable file, or undefined if it doesn't exist. */
async function beginning(path: string): Promise<DataView | undefined> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    if (!isFile || ((mode ?? 0) & 0o111) === 0) return undefined;
    using file = await Deno.open(path);
    const bytes = new Uint8Array(READ_BYTES);
    return new DataView(bytes.buffer, 0, await file.read(bytes) ?? 0);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    throw thrown;
  }
}
