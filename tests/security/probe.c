/*
 * Makes every system call with arguments that can't be right, each in a child of its own, and prints what came of it:
 * `ABI NAME OUTCOME`, where the outcome is `ok`, `errno N`, `signal N` or `exit`. A filter decides before the kernel looks at
 * arguments, so a call that it denies ends otherwise than one that it lets through. The tables are made by probe.ts.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef long (*call_fn)(long nr, const long *args);

struct probe {
  const char *name;
  long nr;
  long args[6];
};

#define WRONG {-1, -1, -1, -1, -1, -1}

/* A child that the call itself has made ends here, before it can touch a stack that it may share with its parent. */
#if defined(__x86_64__)
static long native_call(long nr, const long *a) {
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register long r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile(
      "mov %[nr], %%r12\n\t"
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "cmp %[fork], %%r12\n\t"
      "je 2f\n\t"
      "cmp %[vfork], %%r12\n\t"
      "je 2f\n\t"
      "cmp %[clone], %%r12\n\t"
      "jne 1f\n\t"
      "2:\n\t"
      "mov %[exit], %%rax\n\t"
      "xor %%rdi, %%rdi\n\t"
      "syscall\n\t"
      "1:"
      : "=a"(result)
      : "a"(nr), [nr] "r"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9), [fork] "i"(SYS_fork),
        [vfork] "i"(SYS_vfork), [clone] "i"(SYS_clone), [exit] "i"(SYS_exit)
      : "rcx", "r11", "r12", "memory");
  return result;
}

/* The calls of 32-bit programs, which every process of this architecture can make: fork 2, clone 120, vfork 190, exit 1. */
static long i386_call(long nr, const long *a) {
  long result;
  __asm__ volatile(
      "push %%rbx\n\t"
      "push %%rbp\n\t"
      "mov %[nr], %%r12\n\t"
      "mov %[a0], %%rbx\n\t"
      "mov %[a5], %%rbp\n\t"
      "int $0x80\n\t"
      "test %%eax, %%eax\n\t"
      "jnz 1f\n\t"
      "cmp $2, %%r12\n\t"
      "je 2f\n\t"
      "cmp $190, %%r12\n\t"
      "je 2f\n\t"
      "cmp $120, %%r12\n\t"
      "jne 1f\n\t"
      "2:\n\t"
      "mov $1, %%eax\n\t"
      "xor %%ebx, %%ebx\n\t"
      "int $0x80\n\t"
      "1:\n\t"
      "pop %%rbp\n\t"
      "pop %%rbx"
      : "=a"(result)
      : "a"(nr), [nr] "r"(nr), [a0] "r"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), [a5] "r"(a[5])
      : "r8", "r9", "r10", "r11", "r12", "memory");
  return (int)result;
}
#elif defined(__aarch64__)
static long native_call(long nr, const long *a) {
  register long x8 __asm__("x8") = nr;
  register long x0 __asm__("x0") = a[0];
  register long x1 __asm__("x1") = a[1];
  register long x2 __asm__("x2") = a[2];
  register long x3 __asm__("x3") = a[3];
  register long x4 __asm__("x4") = a[4];
  register long x5 __asm__("x5") = a[5];
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "cmp x8, %[clone]\n\t"
      "b.ne 1f\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), [clone] "i"(SYS_clone), [exit] "i"(SYS_exit)
      : "memory", "cc");
  return x0;
}
#endif

#include "tables.h"

/* What waits for ever is killed, since it may have blocked every other signal. */
static int outcome(pid_t child) {
  int status = 0;
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == 3000) kill(child, SIGKILL);
    usleep(100);
  }
  return status;
}

static void try(const char *abi, const struct probe *probe, call_fn call) {
  int report[2];
  long result = 0;
  if (pipe(report) != 0) exit(2);
  pid_t child = fork();
  if (child < 0) exit(2);
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    long made = call(probe->nr, probe->args);
    syscall(SYS_write, report[1], &made, sizeof made);
    syscall(SYS_exit_group, 0);
  }
  close(report[1]);
  int status = outcome(child);
  int told = read(report[0], &result, sizeof result) == (ssize_t)sizeof result;
  close(report[0]);
  printf("%s %s ", abi, probe->name);
  if (told && result < 0 && result > -4096) printf("errno %ld\n", -result);
  else if (told) printf("ok\n");
  else if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
  else printf("exit\n");
}

int main(void) {
  for (unsigned at = 0; at < sizeof native_probes / sizeof *native_probes; at++)
    try("native", &native_probes[at], native_call);
#if defined(__x86_64__)
  for (unsigned at = 0; at < sizeof i386_probes / sizeof *i386_probes; at++)
    try("i386", &i386_probes[at], i386_call);
#endif
  return 0;
}
