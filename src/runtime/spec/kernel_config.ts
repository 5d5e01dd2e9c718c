/**
 * @module
 * The build configuration of the running kernel, if it is available in `/boot/config-RELEASE` or `/proc/config.gz`.
 */
import { gunzipSync } from "node:zlib";

/** Access to the files that may contain the configuration. */
export interface ConfigFiles {
  /** Returns the text of a file; undefined if it doesn't exist. */
  read(path: string): Promise<string | undefined>;
  readBytes(path: string): Promise<Uint8Array | undefined>;
}

/** Returns the kernel configuration, lines of `CONFIG_NAME=value`; undefined if it is not available. */
export async function kernelConfig(release: string, files: ConfigFiles): Promise<string | undefined> {
  const text = await files.read(`/boot/config-${release}`);
  if (text !== undefined) return text;
  const packed = await files.readBytes("/proc/config.gz");
  return packed && new TextDecoder().decode(gunzipSync(packed));
}

/**
 * Returns whether the kernel runs x32 programs (32-bit pointers on x86-64). True if the configuration is unknown.
 * Debian's kernels support them, but only if enabled on the kernel command line.
 */
export function runsX32(arch: string, config: string | undefined, commandLine: string): boolean {
  if (arch !== "x86_64") return false;
  if (config === undefined) return true;
  if (!/^CONFIG_X86_X32(?:_ABI)?=y$/m.test(config)) return false;
  return !/^CONFIG_X86_X32_DISABLED=y$/m.test(config) || /\bsyscall\.x32=y\b/.test(commandLine);
}
