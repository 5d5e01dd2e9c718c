/**
 * @module
 * How the running kernel was built, as far as somebody left that where it can be read: `/boot/config-RELEASE` or
 * `/proc/config.gz`.
 */
import { gunzipSync } from "node:zlib";

/** Where a configuration is looked for; tests hand in others. */
export interface ConfigFiles {
  /** The text, or undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  readBytes(path: string): Promise<Uint8Array | undefined>;
}

/** Lines of `CONFIG_NAME=value`; undefined when they are nowhere. */
export async function kernelConfig(release: string, files: ConfigFiles): Promise<string | undefined> {
  const text = await files.read(`/boot/config-${release}`);
  if (text !== undefined) return text;
  const packed = await files.readBytes("/proc/config.gz");
  return packed && new TextDecoder().decode(gunzipSync(packed));
}

/**
 * Whether the kernel runs x32 programs (32-bit pointers on x86-64). True when nobody knows. Debian's kernels can, but only
 * when they are told to at boot.
 */
export function runsX32(arch: string, config: string | undefined, commandLine: string): boolean {
  if (arch !== "x86_64") return false;
  if (config === undefined) return true;
  if (!/^CONFIG_X86_X32(?:_ABI)?=y$/m.test(config)) return false;
  return !/^CONFIG_X86_X32_DISABLED=y$/m.test(config) || /\bsyscall\.x32=y\b/.test(commandLine);
}
