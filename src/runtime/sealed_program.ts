/**
 * @module
 * The runtime's program as a sealed copy in memory. runc lets no container get hold of the file that it runs from
 * (CVE-2019-5736), so each `runc init` first makes such a copy or mount of itself and executes that, unless it runs from
 * a sealed file already. Here one is made once, not for every start and exec.
 */
import { isFile } from "../io/if_there.ts";
import { OwnedFd, sealedProgram } from "../sys/mod.ts";

export interface SealedProgramOptions {
  /** Absolute. */
  readonly path: string;
  /** Told why there is no copy; the program is run from its path then. */
  readonly report: (reason: unknown) => void;
  /** Whether the machine's rules may depend on the path of a program. */
  readonly dependsOnPath?: () => boolean;
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const LARGEST_BYTES = 64 << 20;

/** Gives the path to execute. A file that was replaced (by an update) is noticed. */
export class SealedProgram implements Disposable {
  readonly #options: SealedProgramOptions;
  /** What the copy was made of, or could not be made of. */
  #version = "";
  #copy: OwnedFd | undefined;

  constructor(options: SealedProgramOptions) {
    this.#options = options;
  }

  /** The program's own path until there is a copy, which is made in the background. */
  get path(): string {
    const version = versionOf(this.#options.path);
    if (version !== this.#version) {
      this[Symbol.dispose]();
      this.#version = version ?? "";
      if (version !== undefined) void this.#make(version).catch(this.#options.report);
    }
    return this.#copy === undefined ? this.#options.path : pathOf(this.#copy);
  }

  [Symbol.dispose](): void {
    this.#copy?.close();
    this.#copy = undefined;
    this.#version = "";
  }

  async #make(version: string): Promise<void> {
    const { path, dependsOnPath = hasSelinux } = this.#options;
    if (dependsOnPath()) return;
    const bytes = await Deno.readFile(path);
    // A script can't be run this way: its interpreter would open a descriptor that it doesn't have.
    if (bytes.length > LARGEST_BYTES || !ELF_MAGIC.every((byte, at) => bytes[at] === byte)) return;
    if (version !== this.#version || version !== versionOf(path)) return;
    using copy = sealedProgram(path.slice(path.lastIndexOf("/") + 1), bytes);
    // Not where /proc is another pid namespace's, or none.
    if (Deno.statSync(pathOf(copy)).size === bytes.length) this.#copy = new OwnedFd(copy.take());
  }
}

/** By our pid: the child closes its own descriptors before it executes anything. */
const pathOf = ({ fd }: OwnedFd): string => `/proc/${Deno.pid}/fd/${fd}`;

/** Which file it is, in which state; undefined where there is none: the attempt to run it tells what is wrong. */
function versionOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtime } = Deno.statSync(path);
    return `${dev}:${ino}:${size}:${mtime?.getTime()}`;
  } catch (thrown) {
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}

/** Its transitions between domains depend on a program's label, which a copy doesn't have. */
const hasSelinux = (): boolean => isFile("/sys/fs/selinux/enforce");
