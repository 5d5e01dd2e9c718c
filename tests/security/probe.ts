/** Compiles the probe program for the host, and builds its image. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";

/**
 * System calls for which the host's headers, kernel, or libseccomp may be too old. From 424 on, numbers are the same on
 * all architectures.
 */
export const YOUNG_CALLS: readonly (readonly [string, number])[] = [
  ...[["memfd_secret", 447], ["process_mrelease", 448], ["futex_waitv", 449], [
    "set_mempolicy_home_node",
    450,
  ]] as const,
  ...[["cachestat", 451], ["fchmodat2", 452], ["map_shadow_stack", 453], ["futex_wake", 454]] as const,
  ...[["futex_wait", 455], ["futex_requeue", 456], ["statmount", 457], ["listmount", 458]] as const,
  ...[["lsm_get_self_attr", 459], ["lsm_set_self_attr", 460], ["lsm_list_modules", 461], ["mseal", 462]] as const,
  ...[["setxattrat", 463], ["getxattrat", 464], ["listxattrat", 465], ["removexattrat", 466]] as const,
];

const WRONG = "WRONG";
const SIGCHLD = 17;
const CLONE_NEWUSER = 0x10000000;
const SOCK_DGRAM = 2;
const FAMILIES = 47;
const PERSONALITIES = { linux: 0, linux32: 8, uname26: 0x20000, no_random: 0x40000, svr4: 1, query: 0xffffffff };

interface Call {
  readonly name: string;
  readonly nr: number;
  readonly args: string;
}

/** Compiles the program in a directory that is removed on disposal. */
export async function compileProbe(): Promise<{ readonly path: string } & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tsd-probe-" });
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.copyFile(new URL("probe.c", import.meta.url), `${dir}/probe.c`);
  await Deno.writeTextFile(`${dir}/tables.h`, await tables());
  await cc(["-O1", "-static", "-o", `${dir}/probe`, `${dir}/probe.c`]);
  const owned = undo.move();
  return { path: `${dir}/probe`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Builds busybox with the program as `/probe`. */
export async function probeImage(path: string): Promise<Image> {
  return await busyboxBuilder().layer([file("probe", await Deno.readFile(path), { mode: 0o755 })]).build();
}

async function tables(): Promise<string> {
  const native = await callsIn("sys/syscall.h", "SYS_");
  const table = (name: string, calls: readonly Call[]) =>
    `static const struct probe ${name}[] = {\n${
      calls.map(({ name, nr, args }) => `  {"${name}", ${nr}, ${args}},`).join("\n")
    }\n};\n`;
  const i386 = Deno.build.arch === "x86_64" ? table("i386_probes", await callsIn("asm/unistd_32.h", "__NR_")) : "";
  return table("native_probes", [...native, ...special(native)]) + i386;
}

/** Returns every system call in a header, in the order of their numbers. */
async function callsIn(header: string, prefix: string): Promise<Call[]> {
  const text = await cc(["-E", "-dM", "-include", header, "-"]);
  const numbers = new Map(YOUNG_CALLS);
  // Some constants refer to others: the preprocessor evaluates each.
  const names = [...text.matchAll(new RegExp(`^#define ${prefix}(\\w+) `, "gm"))].map(([, name]) => name!);
  const source = [`#include <${header}>`, ...names.map((name) => `tsd_value ${name} = ${prefix}${name}`)].join("\n");
  for (
    const [, name, value] of (await cc(["-E", "-P", "-undef_tsd", "-"], source)).matchAll(/tsd_value (\w+) = (\d+)/g)
  ) {
    numbers.set(name!, Number(value));
  }
  return [...numbers].sort(([, a], [, b]) => a - b).map(([name, nr]) => ({ name, nr, args: WRONG }));
}

/** Returns calls that a filter decides by their arguments. */
function special(native: readonly Call[]): Call[] {
  const nr = (name: string) => native.find((call) => call.name === name)!.nr;
  const with_ = (name: string, label: string, ...args: number[]): Call => ({
    name: `${name}(${label})`,
    nr: nr(name),
    args: `{${[...args, 0, 0, 0, 0, 0, 0].slice(0, 6).join(", ")}}`,
  });
  return [
    ...Array.from({ length: FAMILIES }, (_, family) => with_("socket", `${family}`, family, SOCK_DGRAM)),
    ...Object.entries(PERSONALITIES).map(([name, value]) => with_("personality", name, value)),
    with_("clone", "plain", SIGCHLD),
    with_("clone", "newuser", SIGCHLD | CLONE_NEWUSER),
    with_("unshare", "newuser", CLONE_NEWUSER),
    with_("unshare", "nothing", 0),
  ];
}

async function cc(args: readonly string[], stdin = ""): Promise<string> {
  const child = new Deno.Command("cc", {
    args: args[0] === "-E" ? ["-x", "c", ...args.filter((each) => each !== "-undef_tsd")] : [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
