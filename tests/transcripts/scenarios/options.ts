import type { Difference, Scenario, Step } from "../scenario.ts";
import { reworded } from "./today.ts";

const refused = (flags: string): string => `run --rm --network none ${flags} busybox true`;
const seen = (flags: string, script: string): string => `run --rm --network none ${flags} busybox sh -c '${script}'`;

const CPU_RANGE: Step = {
  line: refused("--cpus 99"),
  hides: { stderr: "it tells how many processors the machine has" },
};

const NO_SUCH_FILE: Difference = {
  says: "= 127\n",
  now: "= 125\n",
  why: "127 is for a command that isn't there; the docker CLI takes any missing file for one",
};

/** The prefix of Docker 28's error if another container's namespace cannot be joined. */
const namesNamespace = (kind: string): Difference => ({
  says: "No such container: absent",
  now: `failed to join ${kind} namespace: No such container: absent`,
  why: "Docker 28 says what it was needed for",
});

const NAMESERVER_FIRST: Difference = {
  says: "> search a.test\n> nameserver 10.0.0.1\n",
  now: "> nameserver 10.0.0.1\n> search a.test\n",
  why: "Docker 27 and later write a file of their own",
};

export const OPTIONS: readonly Scenario[] = [
  {
    name: "options: limits that can't be",
    steps: [
      ...["-m 5m", "-m 64m --memory-swap 32m", "--memory-swap 32m", "-m 64m --memory-reservation 128m"].map(refused),
      ...["--memory-reservation 1m", "--cpus 1 --cpu-quota 5000", "--cpus 1 --cpu-period 5000"].map(refused),
      ...["--cpu-period 10", "--cpu-quota 10", "--cpuset-cpus x"].map(refused),
      CPU_RANGE,
      ...["-m lots", "--cpus two", "--ulimit as=1", "--ulimit nofile=2:1", "--pids-limit x"].map(refused),
      ...["--memory-swappiness 101", "--oom-score-adj 2000", "--shm-size -1"].map(refused),
    ],
  },
  {
    name: "options: devices, namespaces and security that can't be",
    steps: [
      ...["--device /dev/null:/x:zz", "--device /a:/b:rw:d", "--device /etc/passwd"].map(refused),
      ...["--device-cgroup-rule x", "--device-read-bps x"].map(refused),
      ...["--device /dev/absent", "--device-read-bps /dev/absent:1"].map((flags): Step => ({
        line: refused(flags),
        tsd: [NO_SUCH_FILE],
      })),
      ...["--cap-drop NONSENSE", "--security-opt odd", "--security-opt odd=x"].map(refused),
      ...["--security-opt no-new-privileges=maybe", "--security-opt seccomp=/no/where", "--sysctl kernel.panic=1"].map(
        refused,
      ),
      ...["--pid odd", "--ipc odd", "--uts odd", "--cgroupns odd", "--userns odd"].map(refused),
      { line: refused("--pid container:absent"), today: [namesNamespace("PID")] },
      { line: refused("--ipc container:absent"), today: [namesNamespace("IPC")] },
      {
        line: refused("--runtime odd"),
        today: [reworded("Unknown runtime specified odd", "unknown or invalid runtime name: odd")],
      },
      ...["--uts host -h box", "--group-add nogroup2", "--restart always"].map(refused),
    ],
  },
  {
    name: "options: mounts and names that can't be",
    steps: [
      ...["--mount x", "--mount type=bind,dst=/x", "--mount type=bind,src=/no/where,dst=/x"].map(refused),
      ...["--mount type=odd,dst=/x", "--mount type=tmpfs,dst=/", "--mount type=tmpfs,src=/x,dst=/y"].map(refused),
      ...["--mount type=bind,src=rel,dst=/x", "--mount type=bind,src=/tmp,dst=rel"].map(refused),
      ...["--tmpfs /t:odd", "--tmpfs rel", "--add-host x", "--add-host x:y", "--dns x", "--dns-search a..b"].map(
        refused,
      ),
      ...["--expose 80:81", "--expose a", "-l =x", "--stop-signal NOPE", "--env-file /no/where"].map(refused),
    ],
  },
  {
    name: "options: seen from inside",
    steps: [
      seen("-h box --domainname example.test", "hostname; cat /proc/sys/kernel/domainname /etc/hostname"),
      seen("--add-host other:10.1.2.3", "grep other /etc/hosts"),
      {
        line: seen("--dns 10.0.0.1 --dns-search a.test --dns-option ndots:3", "cat /etc/resolv.conf"),
        today: [NAMESERVER_FIRST],
      },
      seen("--ulimit nofile=100:200 --ulimit core=0", "ulimit -Sn; ulimit -Hn; ulimit -c"),
      seen("--oom-score-adj 300", "cat /proc/self/oom_score_adj"),
      seen("--shm-size 3m", "df -k /dev/shm | tail -n 1"),
      seen("--tmpfs /t:size=1m,mode=0700", 'grep " /t " /proc/mounts'),
      seen("--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700", 'grep " /t " /proc/mounts; stat -c %a /t'),
      seen("--read-only", "touch /x"),
      seen("--group-add wheel --group-add 4711 -u app", "id"),
      seen("--device /dev/null:/dev/mine:r", "ls -l /dev/mine | cut -c 1-10; (echo >/dev/mine) 2>&1"),
      seen("--cap-drop ALL --cap-add net_admin", "grep Cap /proc/self/status"),
      seen("--security-opt no-new-privileges", "grep NoNewPrivs /proc/self/status"),
      seen("--sysctl net.ipv4.ip_forward=1", "cat /proc/sys/net/ipv4/ip_forward"),
      seen("--cgroup-parent /transcript", "grep -c /transcript/ /proc/self/cgroup"),
      seen("--ipc none", "ls -d /dev/shm"),
    ],
  },
];
