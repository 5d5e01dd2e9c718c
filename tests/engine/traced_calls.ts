/** Records by strace(1) what a program changes on the machine, and how it reads the network configuration. */
import { runCommand, type RunResult } from "../harness/mod.ts";

export interface TracedRun extends RunResult {
  /** One line for each system call that changed a file, reached the kernel's network configuration or ran a program. */
  readonly touched: readonly string[];
}

const CALLS = "trace=%file,socket,bind,connect,execve";
/** System calls that change files, whatever their arguments. */
const CHANGES =
  /^(mkdir|mknod|rmdir|unlink|rename|link|symlink|chmod|fchmodat|chown|lchown|fchownat|utime|truncate|mount|move_mount|umount|fsconfig|setxattr|lsetxattr|removexattr)/;
const NETWORK_FILES = /"\/(proc\/(self\/)?net|proc\/sys\/net|sys\/class\/net)/;
/** Caches of the JavaScript runtime, which belong to the executable. */
const RUNTIME_CACHE = /\/[a-z0-9_]+_cache_v\d+(-wal|-shm|-journal)?"/;

/**
 * Runs a program under strace and reports what it touched after its last execve(2).
 * @param traceFile a path that does not exist yet, in an existing directory
 * @param prefix what runs strace itself, such as `nsenter` with its arguments
 */
export async function traced(
  command: readonly string[],
  traceFile: string,
  prefix: readonly string[] = [],
): Promise<TracedRun> {
  const [program = "", ...args] = [...prefix, "strace", "-f", "-s", "300", "-e", CALLS, "-o", traceFile, ...command];
  const result = await runCommand(program, args);
  return { ...result, touched: touchedIn(await Deno.readTextFile(traceFile)) };
}

function touchedIn(trace: string): string[] {
  const lines = trace.split("\n").flatMap((line) => {
    const [, pid = "", call = ""] = /^(\d+) +(\w+\(.*)$/.exec(line) ?? [];
    return call === "" ? [] : [{ pid, call }];
  });
  const [{ pid: first } = { pid: "" }] = lines;
  const begin = lines.findLastIndex(({ pid, call }) => pid === first && call.startsWith("execve("));
  return lines.slice(begin + 1).map(({ call }) => call).filter(isTouch);
}

function isTouch(call: string): boolean {
  if (RUNTIME_CACHE.test(call) || /"\/dev\/null"/.test(call)) return false;
  if (/^open(at|at2)?\(/.test(call)) {
    return NETWORK_FILES.test(call) || /O_(WRONLY|RDWR|CREAT|TRUNC)/.test(call) && !/ = -1 /.test(call);
  }
  if (/^(socket|bind)\(/.test(call)) return /AF_NETLINK/.test(call) || call.startsWith("bind(");
  return (CHANGES.test(call) && !/ = -1 /.test(call)) || call.startsWith("execve(");
}
