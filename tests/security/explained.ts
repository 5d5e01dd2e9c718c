/** Differences between today's Docker (28 and later) and dockerd 20.10, call by call, and why. */
import type { Verdict, Verdicts } from "./verdicts.ts";

interface Difference {
  /** `ABI NAME`, or with `*` for both ABIs. */
  readonly calls: string;
  readonly then: Verdict;
  readonly now: Verdict;
  readonly why: string;
  /** Default: all of them. */
  readonly variants?: readonly string[];
}

const WITHOUT_SYS_ADMIN = ["plain", "without capabilities"];

const DIFFERENCES: readonly Difference[] = [
  {
    calls: "*/name_to_handle_at",
    then: "denied EPERM",
    now: "passes",
    variants: WITHOUT_SYS_ADMIN,
    why: "a handle by itself opens nothing; what opens it, open_by_handle_at, stays denied",
  },
  {
    calls: "*/process_vm_readv */process_vm_writev",
    then: "denied EPERM",
    now: "passes",
    why: "they may do what ptrace may, which passes since Linux 4.8, where it can't get around a filter",
  },
  {
    calls: "*/pkey_alloc */pkey_free */pkey_mprotect",
    then: "denied EPERM",
    now: "passes",
    why: "memory protection keys only concern the process's own memory",
  },
  {
    calls: "*/io_uring_setup */io_uring_enter */io_uring_register",
    then: "passes",
    now: "denied EPERM",
    why: "io_uring makes calls that no filter sees, and had many holes",
  },
  {
    calls: "*/cachestat */fchmodat2 */futex_wake */futex_wait */futex_requeue */statmount */listmount */mseal",
    then: "denied ENOSYS",
    now: "passes",
    why: "younger than 20.10, like calls that pass",
  },
  {
    calls: "*/setxattrat */getxattrat */listxattrat */removexattrat",
    then: "denied ENOSYS",
    now: "passes",
    why: "younger than 20.10, like the calls on extended attributes that pass",
  },
  {
    calls: "native/socket(38)",
    then: "passes",
    now: "denied EPERM",
    why: "AF_ALG, the kernel's cryptography, was a way out of containers",
  },
  {
    calls: "native/socket(40)",
    then: "passes",
    now: "denied EPERM",
    why: "AF_VSOCK leads to the machine's hypervisor, past every network namespace",
  },
];

/** Returns dockerd 20.10's verdicts, updated to today's Docker; and the listed differences that they do not have. */
export function expectedToday(variant: string, golden: Verdicts): { verdicts: Verdicts; unused: string[] } {
  const verdicts = new Map(golden);
  const unused: string[] = [];
  for (const { calls, then, now, variants } of DIFFERENCES) {
    if (variants !== undefined && !variants.includes(variant)) continue;
    for (const call of calls.split(" ").flatMap(bothAbis)) {
      if (golden.get(call) === then) verdicts.set(call, now);
      else if (golden.has(call)) unused.push(`${variant}: ${call} was ${golden.get(call)}`);
    }
  }
  return { verdicts, unused };
}

const bothAbis = (call: string): string[] => {
  const [abi, name] = call.split("/");
  return abi === "*" ? [`native ${name}`, `i386 ${name}`] : [`${abi} ${name}`];
};
