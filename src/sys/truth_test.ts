/**
 * @module
 * Compares every number in the tables of this module with the C headers of this machine, for its architecture: a C
 * program prints constants, sizes and offsets.
 */
import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { ARCH } from "./arch.ts";
import {
  BTRFS_IOC,
  BTRFS_SUBVOL_RDONLY,
  BTRFS_SUBVOLUME_INODE,
  FICLONE,
  VOLUME_ARGS,
  VOLUME_ARGS_V2,
} from "./btrfs.ts";
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
import { FS_FL, FS_IOC, FS_IOC_ENABLE_VERITY, FS_VERITY_HASH_ALG_SHA256, FSVERITY_ENABLE } from "./file_flags.ts";
import { DIRENT } from "./directory.ts";
import { LO_FLAGS, LOOP, LOOP_CONFIG } from "./loop_devices.ts";
import { STATFS, STATX } from "./metadata.ts";
import { FSCONFIG } from "./mounts.ts";
import { PIDFD_GET_INFO, PIDFD_INFO, PIDFD_INFO_MASK } from "./pidfd_info.ts";
import { F } from "./pipe.ts";
import { INET, SOCKADDR_IN, SOCKADDR_IN6 } from "./inet.ts";
import { NETLINK, SOCKADDR_NL } from "./netlink.ts";
import { CMSGHDR, IOVEC, MSGHDR, SOCKADDR_UN, SOCKET } from "./sockets.ts";
import { POSIX_SPAWN, SPAWN_SIZES } from "./spawn.ts";
import { TIOC } from "./terminals.ts";
import { PEER, UCRED } from "./unix_peers.ts";
import { makeDevice } from "./tree.ts";

type Numbers = Record<string, number | bigint>;

/** Compiles and runs a C program, and returns its output. */
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

/** Returns the value that C gives for each expression that is a key of `table`. */
function truth(headers: string[], table: Numbers, declarations: string): Numbers {
  const names = Object.keys(table);
  const prints = names.map((name) => `printf("%llu\\n", (unsigned long long)(${name}));`).join("\n");
  const includes = headers.map((header) => `#include <${header}>`).join("\n");
  const values = runC(`${includes}\n${declarations}\nint main(void) {\n${prints}\nreturn 0;\n}`).trim().split("\n");
  return Object.fromEntries(names.map((name, i) => [name, BigInt.asUintN(64, BigInt(values[i]))]));
}

function assertTrue(headers: string[], table: Numbers, declarations = ""): void {
  const expected = Object.entries(table).map(([name, value]) => [name, BigInt.asUintN(64, BigInt(value))]);
  assert.deepEqual(Object.fromEntries(expected), truth(headers, table, declarations));
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
      "stddef.h dirent.h signal.h spawn.h fcntl.h sys/epoll.h sys/eventfd.h sys/file.h sys/mount.h sys/prctl.h sys/resource.h sys/stat.h sys/statfs.h sys/sysmacros.h sys/wait.h sys/xattr.h"
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
        ...Object.fromEntries(Object.entries(DIRENT).map(([field, at]) => [`offsetof(struct dirent64, ${field})`, at])),
        "DT_DIR << 12": S.IFDIR,
        "DT_LNK << 12": S.IFLNK,
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
  name: "truth: sockets and terminals",
  ...ifCompiler,
  fn() {
    assertTrue(["stddef.h", "netinet/in.h", "sys/ioctl.h", "sys/socket.h", "sys/uio.h", "sys/un.h"], {
      ...SOCKET,
      ...PEER,
      ...INET,
      ...offsets("struct sockaddr_in", SOCKADDR_IN),
      ...offsets("struct sockaddr_in6", SOCKADDR_IN6),
      SOCK_CLOEXEC: O.CLOEXEC,
      SOCK_NONBLOCK: O.NONBLOCK,
      ...offsets("struct sockaddr_un", SOCKADDR_UN),
      "sizeof(sa_family_t)": SOCKADDR_UN.sun_path,
      ...offsets("struct ucred", UCRED),
      ...offsets("struct msghdr", MSGHDR),
      ...offsets("struct iovec", IOVEC),
      ...offsets("struct cmsghdr", CMSGHDR),
      "(size_t)CMSG_DATA((struct cmsghdr *)4096) - 4096": CMSGHDR.sizeBytes,
      "sizeof(((struct msghdr *)0)->msg_controllen) + sizeof(((struct cmsghdr *)0)->cmsg_len)": 16,
      "CMSG_ALIGN(1)": 8,
      ...prefixed("TIOC", TIOC),
      "sizeof(struct winsize)": 8,
      "offsetof(struct winsize, ws_row)": 0,
      "offsetof(struct winsize, ws_col)": 2,
    });
  },
});

Deno.test({
  name: "truth: netlink",
  ...ifCompiler,
  fn() {
    assertTrue(["stddef.h", "sys/socket.h", "linux/netlink.h"], {
      ...NETLINK,
      ...offsets("struct sockaddr_nl", SOCKADDR_NL),
    });
  },
});

/** linux/pidfd.h as of 6.15, for machines with older headers. */
const PIDFD_HEADER = `#include <linux/pidfd.h>
#ifndef PIDFD_GET_INFO
struct pidfd_info { __u64 mask, cgroupid; __u32 pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  __s32 exit_code; };
#define PIDFD_INFO_SIZE_VER0 64
#define PIDFD_INFO_PID (1UL << 0)
#define PIDFD_INFO_EXIT (1UL << 3)
#define PIDFD_GET_INFO _IOWR(0xFF, 11, struct pidfd_info)
#endif
#define GET_FIRST_INFO ((PIDFD_GET_INFO & ~(0x3fffUL << 16)) | (PIDFD_INFO_SIZE_VER0 << 16))
`;

Deno.test({
  name: "truth: pidfd_info",
  ...ifCompiler,
  fn() {
    const { sizeBytes, ...fields } = PIDFD_INFO;
    const fieldOffsets = Object.entries(fields).map(([field, at]) => [`offsetof(struct pidfd_info, ${field})`, at]);
    const table = {
      PIDFD_INFO_SIZE_VER0: sizeBytes,
      ...Object.fromEntries(fieldOffsets),
      "offsetof(struct pidfd_info, mask)": 0,
      ...prefixed("PIDFD_INFO_", PIDFD_INFO_MASK),
      GET_FIRST_INFO: PIDFD_GET_INFO,
    };
    assertTrue(["stddef.h", "linux/types.h", "sys/ioctl.h"], table, PIDFD_HEADER);
  },
});

Deno.test({
  name: "truth: flags of files, fs-verity",
  ...ifCompiler,
  fn() {
    const { VERITY, ...flags } = FS_FL;
    assertTrue(["stddef.h", "linux/fs.h", "linux/fsverity.h"], {
      ...Object.fromEntries(Object.entries(flags).map(([name, flag]) => [`FS_${name}_FL`, flag])),
      FS_VERITY_FL: VERITY,
      ...prefixed("FS_IOC_", FS_IOC),
      FS_IOC_ENABLE_VERITY,
      FS_VERITY_HASH_ALG_SHA256,
      ...offsets("struct fsverity_enable_arg", FSVERITY_ENABLE),
    });
  },
});

Deno.test({
  name: "truth: loop devices",
  ...ifCompiler,
  fn() {
    assertTrue(["stddef.h", "linux/loop.h"], {
      ...prefixed("LO_FLAGS_", LO_FLAGS),
      ...prefixed("LOOP_", LOOP),
      ...offsets("struct loop_config", LOOP_CONFIG),
    });
  },
});

Deno.test({
  name: "truth: btrfs subvolumes",
  ...ifCompiler,
  fn() {
    assertTrue(["stddef.h", "linux/btrfs.h", "linux/btrfs_tree.h", "linux/fs.h"], {
      ...prefixed("BTRFS_IOC_", BTRFS_IOC),
      BTRFS_SUBVOL_RDONLY,
      BTRFS_FIRST_FREE_OBJECTID: BTRFS_SUBVOLUME_INODE,
      FICLONE,
      ...offsets("struct btrfs_ioctl_vol_args", VOLUME_ARGS),
      ...offsets("struct btrfs_ioctl_vol_args_v2", VOLUME_ARGS_V2),
    });
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
      const actual = errnoName(Number(number));
      assert.equal(actual, name, line);
      assert.equal(new SysError("x", Number(number)).message, `x: ${name} (${text})`);
    }
  },
});
