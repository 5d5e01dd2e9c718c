/**
 * @module
 * The default seccomp profile: an allow-list of system calls, equivalent to Docker's current default (all other calls
 * fail with EPERM). It contains only data; `resolve.ts` converts it to OCI.
 *
 * The names are libseccomp's. The runtime skips names that its libseccomp or the architecture doesn't know.
 */

/** A condition on one argument of a system call. */
export interface ArgCondition {
  readonly index: number;
  readonly op: "LT" | "EQ" | "GT" | "MASKED_EQ";
  readonly value: number;
  readonly valueTwo?: number;
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** System calls that are always allowed, by subject. */
export const ALLOWED: readonly string[] = [
  // Files, by path.
  words(`access chdir chmod chown chown32 creat faccessat faccessat2 fchmodat fchmodat2 fchownat fstatat64 futimesat
    getcwd lchown lchown32 link linkat lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open
    openat openat2 readlink readlinkat rename renameat renameat2 rmdir stat stat64 statx symlink symlinkat truncate
    truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes`),
  // Extended attributes.
  words(`fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
    lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`),
  // File descriptors.
  words(`close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fchdir fchmod fchown fchown32
    fcntl fcntl64 fdatasync flock fstat fstat64 fsync ftruncate ftruncate64 getdents getdents64 ioctl _llseek lseek
    pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 splice sync
    sync_file_range syncfs tee vmsplice write writev`),
  // Filesystems and mounts, read-only.
  words(`cachestat fstatfs fstatfs64 listmount statfs statfs64 statmount`),
  // Watching files, polling descriptors.
  words(`epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
    eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll
    ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4`),
  // Asynchronous input and output.
  words(
    `io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioprio_get ioprio_set`,
  ),
  // Pipes, messages, shared memory.
  words(`ipc memfd_create memfd_secret mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
    mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 semctl semget semop semtimedop
    semtimedop_time64 shmat shmctl shmdt shmget`),
  // Sockets (creating one depends on its family, see RULES).
  words(`accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
    recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`),
  // Memory.
  words(`brk madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync
    munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`),
  // Starting, exiting and waiting for processes (clone is in RULES).
  words(`execve execveat exit exit_group fork pidfd_open vfork wait4 waitid waitpid`),
  // Process credentials: ids, groups, sessions, capabilities.
  words(`capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid
    getppid getresgid getresgid32 getresuid getresuid32 getsid gettid getuid getuid32 setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setregid setregid32 setresgid setresgid32 setresuid
    setresuid32 setreuid setreuid32 setsid setuid setuid32`),
  // Threads and locks.
  words(`futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area rseq
    set_robust_list set_thread_area set_tid_address`),
  // Signals.
  words(`kill pause pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask
    sigreturn tgkill tkill`),
  // Time.
  words(`adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64 times`),
  // Scheduling and limits.
  words(`getcpu getpriority getrlimit getrusage prlimit64 sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
    setpriority setrlimit ugetrlimit`),
  // Sandboxing of the calling process.
  words(`landlock_add_rule landlock_create_ruleset landlock_restrict_self prctl seccomp`),
  // Others.
  words(`getrandom riscv_hwprobe sysinfo uname uretprobe`),
].flat();

/** System calls that are also allowed if the container has the capability. */
export const ALLOWED_WITH_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: words("bpf"),
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_PERFMON: words("perf_event_open"),
  CAP_SYS_ADMIN: words(`bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYSLOG: words("syslog"),
  CAP_SYS_MODULE: words("delete_module finit_module init_module"),
  CAP_SYS_NICE: words("get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
  CAP_SYS_RAWIO: words("ioperm iopl"),
  CAP_SYS_TIME: words("clock_settime clock_settime64 settimeofday stime"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
};

/** System calls that are also allowed from this kernel version on: before 4.8, ptrace could bypass seccomp. */
export const ALLOWED_SINCE: { readonly kernel: readonly [number, number]; readonly names: readonly string[] } = {
  kernel: [4, 8],
  names: words("process_vm_readv process_vm_writev ptrace"),
};

/** System calls that are also allowed on an architecture, as named by Deno. */
export const ALLOWED_ON_ARCH: Readonly<Record<string, readonly string[]>> = {
  x86_64: words("arch_prctl modify_ldt"),
  aarch64: words("arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"),
};

/** The architectures that the filter covers: the machine's, and those whose programs its kernel also runs. */
export const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  aarch64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

const AF_ALG = 38;
const AF_VSOCK = 40;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const CLONE_NEW_ANYTHING = 0x7e020000;
const PERSONALITIES = {
  LINUX: 0x0,
  LINUX32: 0x8,
  UNAME26: 0x20000,
  UNAME26_LINUX32: 0x20008,
  /** Returns the current personality without changing it. */
  QUERY: 0xffffffff,
};

/** A system call that is allowed depending on its arguments, or that fails with a specific errno. */
export interface CallRule {
  readonly name: string;
  /** The condition under which the call is allowed; without one it fails with `errno`. */
  readonly when?: ArgCondition;
  readonly errno?: number;
  /** Whether the rule is omitted if the container has CAP_SYS_ADMIN, which allows the call anyway. */
  readonly exceptSysAdmin?: boolean;
}

const ENOSYS = 38;

/** Argument-dependent rules. Each one with a condition allows one more case. */
export const RULES: readonly CallRule[] = [
  // All socket families but AF_ALG (the kernel's crypto API) and AF_VSOCK (the hypervisor).
  { name: "socket", when: { index: 0, op: "LT", value: AF_ALG } },
  { name: "socket", when: { index: 0, op: "EQ", value: AF_ALG + 1 } },
  { name: "socket", when: { index: 0, op: "GT", value: AF_VSOCK } },
  ...Object.values(PERSONALITIES).map((value): CallRule => ({
    name: "personality",
    when: { index: 0, op: "EQ", value },
  })),
  // Processes and threads, but no namespaces. A filter can't inspect the flags of clone3: ENOSYS makes libc use clone.
  {
    name: "clone",
    when: { index: 0, op: "MASKED_EQ", value: CLONE_NEW_ANYTHING, valueTwo: 0 },
    exceptSysAdmin: true,
  },
  { name: "clone3", errno: ENOSYS, exceptSysAdmin: true },
];
