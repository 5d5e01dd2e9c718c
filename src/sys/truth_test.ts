/**
 * @module
 * Compares every number in our tables with what the C headers of this machine say, for its architecture: a C program
 * prints constants, sizes and offsets.
 */
import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { ARCH } from "./arch.ts";
import { errnoName, SysError } from "./errno.ts";
import {
  AT,
  EPOLL,
  FS_MAGIC,
  MNT,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  O,
  OPEN_TREE,
  RENAME,
  RESOLVE,
  RLIM_INFINITY,
  RLIMIT,
  S,
  SIG,
  WAIT,
  XATTR,
} from "./flags.ts";
import { STATFS, STATX } from "./metadata.ts";
import { FSCONFIG } from "./mounts.ts";
import { F } from "./pipe.ts";
import { POSIX_SPAWN, SPAWN_SIZES } from "./spawn.ts";
import { makeDevice } from "./tree.ts";

type Numbers = Record<string, number | bigint>;

/** Compiles and runs a program, and gives what it printed. */
function runC(source: string): string {
  const path = Deno.makeTempDirSync({ prefix: "tsd-truth-" });
  try {
    Deno.writeTextFileSync(`${path}/t.c`, `#define _GNU_SOURCE\n#include <stdio.h>\n${source}`);
    const cc = new Deno.Command("cc", { args: ["-o", `${path}/t`, `${path}/t.c`], stderr: "piped" }).outputSync();
    assert.ok(cc.success, new TextDecoder().decode(cc.stderr));
    return new TextDecoder().decode(new Deno.Command(`${path}/t`).outputSync().stdout);
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

/** What C says of each expression that is a key of `ours`. */
function truth(headers: string[], ours: Numbers): Numbers {
  const names = Object.keys(ours);
  const prints = names.map((name) => `printf("%llu\\n", (unsigned long long)(${name}));`).join("\n");
  const includes = headers.map((header) => `#include <${header}>`).join("\n");
  const values = runC(`${includes}\nint main(void) {\n${prints}\nreturn 0;\n}`).trim().split("\n");
  return Object.fromEntries(names.map((name, i) => [name, BigInt.asUintN(64, BigInt(values[i]))]));
}

function assertTrue(headers: string[], ours: Numbers): void {
  const expected = Object.entries(ours).map(([name, value]) => [name, BigInt.asUintN(64, BigInt(value))]);
  assert.deepEqual(Object.fromEntries(expected), truth(headers, ours));
}

const prefixed = (prefix: string, table: Numbers): Numbers =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [prefix + name, value]));

const offsets = (struct: string, { sizeBytes, ...fields }: { sizeBytes: number } & Numbers): Numbers => ({
  [`sizeof(${struct})`]: sizeBytes,
  ...Object.fromEntries(Object.entries(fields).map(([field, at]) => [`offsetof(${struct}, ${field})`, at])),
});

const ifCompiler = requires("cc");

Deno.test({
  name: "truth: open, *at and mount flags of the kernel's headers",
  ...ifCompiler,
  fn() {
    assertTrue(["linux/fcntl.h", "linux/openat2.h", "linux/mount.h", "linux/fs.h", "linux/stat.h"], {
      ...prefixed("O_", O),
      ...prefixed("AT_", AT),
      ...prefixed("RESOLVE_", RESOLVE),
      ...prefixed("MS_", MS),
      ...prefixed("MOUNT_ATTR_", MOUNT_ATTR),
      ...prefixed("MOVE_MOUNT_", MOVE_MOUNT),
      OPEN_TREE_CLONE: OPEN_TREE.CLONE,
      OPEN_TREE_CLOEXEC: OPEN_TREE.CLOEXEC,
      FSCONFIG_SET_FLAG: FSCONFIG.flag,
      FSCONFIG_SET_STRING: FSCONFIG.string,
      FSCONFIG_SET_FD: FSCONFIG.fd,
      FSCONFIG_CMD_CREATE: FSCONFIG.create,
      FSCONFIG_CMD_RECONFIGURE: FSCONFIG.reconfigure,
      FSOPEN_CLOEXEC: 1,
      FSMOUNT_CLOEXEC: 1,
      ...prefixed("RENAME_", RENAME),
      STATX_BASIC_STATS: 0x7ff,
      "sizeof(struct open_how)": 24,
    });
  },
});

Deno.test({
  name: "truth: flags, structures and types of libc's headers",
  ...ifCompiler,
  fn() {
    assertTrue(
      "stddef.h signal.h spawn.h fcntl.h sys/epoll.h sys/eventfd.h sys/file.h sys/mount.h sys/prctl.h sys/resource.h sys/stat.h sys/statfs.h sys/sysmacros.h sys/wait.h sys/xattr.h"
        .split(" "),
      {
        ...prefixed("EPOLL", EPOLL),
        ...prefixed("S_", S),
        ...prefixed("SIG", SIG),
        ...prefixed("RLIMIT_", RLIMIT),
        ...prefixed("XATTR_", XATTR),
        ...prefixed("F_", F),
        ...prefixed("POSIX_SPAWN_", POSIX_SPAWN),
        MNT_FORCE: MNT.FORCE,
        MNT_DETACH: MNT.DETACH,
        MNT_EXPIRE: MNT.EXPIRE,
        UMOUNT_NOFOLLOW: MNT.NOFOLLOW,
        WNOHANG: WAIT.NOHANG,
        RLIM_INFINITY,
        FD_CLOEXEC: 1,
        LOCK_EX: 2,
        LOCK_NB: 4,
        EFD_CLOEXEC: O.CLOEXEC,
        EFD_NONBLOCK: O.NONBLOCK,
        EPOLL_CLOEXEC: O.CLOEXEC,
        EPOLL_CTL_ADD: 1,
        EPOLL_CTL_DEL: 2,
        EPOLL_CTL_MOD: 3,
        PR_SET_CHILD_SUBREAPER: 36,
        UTIME_NOW: 0x3fffffff,
        UTIME_OMIT: 0x3ffffffe,
        "makedev(0x12345, 0xabcdef)": makeDevice({ major: 0x12345, minor: 0xabcdef }),
        "sizeof(struct epoll_event)": ARCH.epollEvent.sizeBytes,
        "offsetof(struct epoll_event, data)": ARCH.epollEvent.dataOffset,
        ...offsets("struct statx", STATX),
        ...offsets("struct statfs", STATFS),
        "sizeof(struct timespec)": 16,
        "sizeof(struct rlimit)": 16,
        [`sizeof(posix_spawn_file_actions_t) <= ${SPAWN_SIZES.fileActions}`]: 1,
        [`sizeof(posix_spawnattr_t) <= ${SPAWN_SIZES.attributes}`]: 1,
        "sizeof(sigset_t)": SPAWN_SIZES.signalSet,
        "sizeof(mode_t) + sizeof(uid_t) + sizeof(pid_t)": 12,
        "sizeof(dev_t) + sizeof(off_t) + sizeof(size_t)": 24,
      },
    );
  },
});

Deno.test({
  name: "truth: system call numbers and file-system magics",
  ...ifCompiler,
  fn() {
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const calls = Object.entries(ARCH.syscalls).map(([name, number]) => [`__NR_${snake(name)}`, number]);
    assertTrue(["asm/unistd.h", "linux/magic.h"], {
      ...Object.fromEntries(calls),
      BTRFS_SUPER_MAGIC: FS_MAGIC.BTRFS,
      EROFS_SUPER_MAGIC_V1: FS_MAGIC.EROFS,
      EXT4_SUPER_MAGIC: FS_MAGIC.EXT4,
      OVERLAYFS_SUPER_MAGIC: FS_MAGIC.OVERLAYFS,
      TMPFS_MAGIC: FS_MAGIC.TMPFS,
      XFS_SUPER_MAGIC: FS_MAGIC.XFS,
      CGROUP_SUPER_MAGIC: FS_MAGIC.CGROUP,
      CGROUP2_SUPER_MAGIC: FS_MAGIC.CGROUP2,
      NSFS_MAGIC: FS_MAGIC.NSFS,
    });
  },
});

Deno.test({
  name: "truth: names and texts of all error numbers",
  ...ifCompiler,
  fn() {
    const program = `#include <string.h>
      int main(void) { for (int i = 1; i < 200; i++) {
        const char *n = strerrorname_np(i); if (n) printf("%d|%s|%s\\n", i, n, strerror(i)); } return 0; }`;
    const lines = runC(program).trim().split("\n");
    assert.ok(lines.length > 130);
    for (const line of lines) {
      const [number, name, text] = line.split("|");
      const ours = errnoName(Number(number));
      assert.equal(ours, name, line);
      assert.equal(new SysError("x", Number(number)).message, `x: ${name} (${text})`);
    }
  },
});
