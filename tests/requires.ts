/**
 * @module
 * Requirements of tests on the machine. `Deno.test({ name, ...requires("root", "runc"), fn })` skips the test if a
 * requirement is missing, and fails the whole file in CI (`CI` is set), so that no test is ever skipped there silently.
 */
import "../src/sys/preopen_testing.ts";
import { isErrno, mounts, OwnedFd } from "../src/sys/mod.ts";

/** A feature that not every machine has. */
export type Requirement =
  | "root"
  | "runc"
  | "ip"
  | "nft"
  | "iptables"
  | "docker-registry"
  | "docker"
  | "overlay"
  | "loop"
  | "btrfs"
  | "xfs"
  | "strace"
  | "cc"
  | "tini-static"
  | "tmux";

/** Checks of the requirements; each runs once per process. */
const PROBES: Record<Requirement, () => boolean> = {
  root: () => Deno.uid() === 0,
  runc: () => inPath("runc"),
  ip: () => inPath("ip"),
  nft: () => inPath("nft"),
  iptables: () => inPath("iptables-nft") && inPath("iptables-legacy"),
  "docker-registry": () => inPath("docker-registry"),
  docker: () => inPath("docker"),
  overlay: () => PROBES.root() && kernelHas("overlay"),
  loop: () => PROBES.root() && isDevice("/dev/loop-control"),
  btrfs: () => PROBES.loop() && inPath("mkfs.btrfs") && kernelHas("btrfs"),
  xfs: () => PROBES.loop() && inPath("mkfs.xfs") && kernelHas("xfs"),
  strace: () => inPath("strace"),
  cc: () => inPath("cc"),
  "tini-static": () => inPath("tini-static"),
  tmux: () => inPath("tmux"),
};

const known = new Map<Requirement, boolean>();

/** Returns the part of a test's definition that skips it. @throws Error in CI if a requirement is missing */
export function requires(...names: Requirement[]): { ignore: boolean } {
  return skipOrFail(names.filter((name) => !isHere(name)), Deno.env.get("CI"));
}

/** Implements {@link requires}: missing requirements skip on a laptop and fail in CI. */
export function skipOrFail(missing: Requirement[], ci: string | undefined): { ignore: boolean } {
  if (missing.length > 0 && isSet(ci)) {
    throw new Error(`These tests have to run in CI, but the machine lacks: ${missing.join(", ")}`);
  }
  return { ignore: missing.length > 0 };
}

function isHere(name: Requirement): boolean {
  const answer = known.get(name) ?? PROBES[name]();
  known.set(name, answer);
  return answer;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}

function inPath(program: string): boolean {
  const dirs = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return dirs.some((dir) => dir !== "" && isExecutable(`${dir}/${program}`));
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
  }
}

function isDevice(path: string): boolean {
  try {
    return Deno.statSync(path).isCharDevice === true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Opens a file-system context, which also makes the kernel load the module. */
function kernelHas(filesystem: string): boolean {
  try {
    using _context = new OwnedFd(mounts.fsopen(filesystem));
    return true;
  } catch (thrown) {
    if (isErrno(thrown, "ENODEV", "ENOSYS", "EPERM")) return false;
    throw thrown;
  }
}
