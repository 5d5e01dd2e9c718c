/** The peer "podman": as root, in a temporary directory, with the same runc as the others. */
import { join } from "node:path";
import { capture } from "../../scripts/project.ts";
import type { Peer, Verb } from "./peer.ts";
import { privateDir, removeNewCgroups, removeNewDirs } from "./host_traces.ts";
import { programPath, type Programs, programsOf } from "./programs.ts";

const FIXED_DIRS = ["/var/lib/containers", "/run/containers", "/run/libpod", "/run/runc", "/var/lib/cni"];
/** `rm` kills at once, as for all peers; podman's default is to wait ten seconds after SIGTERM. */
const FLAGS: Partial<Record<Verb, readonly string[]>> = { rm: ["--force", "--time", "0"] };

/** Podman's default limits for containers. */
const NOFILE_LIMIT = 1_048_576;
const NPROC_LIMIT = 32_768;

/** Prepares podman with a private configuration. @throws PeerMissing */
export async function startPodman(): Promise<Peer> {
  const programs = await programsOf("podman", ["podman", "conmon"]);
  await using undo = new AsyncDisposableStack();
  removeNewDirs(FIXED_DIRS, undo);
  await removeNewCgroups("libpod_parent", undo);
  const dir = await privateDir("podman", undo);
  const env = {
    ...programs.env,
    HOME: dir,
    TMPDIR: dir,
    CONTAINERS_CONF: join(dir, "containers.conf"),
    CONTAINERS_REGISTRIES_CONF: join(dir, "registries.conf"),
    CONTAINERS_STORAGE_CONF: join(dir, "storage.conf"),
  };
  const policy = join(dir, "policy.json");
  const pullFlags = ["--quiet", "--tls-verify=false", "--signature-policy", policy];
  await Deno.writeTextFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  await Deno.writeTextFile(env.CONTAINERS_CONF, await configuration(programs, env));
  await Deno.writeTextFile(env.CONTAINERS_REGISTRIES_CONF, "");
  await Deno.writeTextFile(env.CONTAINERS_STORAGE_CONF, storage(dir));
  const program = programPath("podman", env.PATH);
  const globals = [
    ...["--root", join(dir, "root"), "--runroot", join(dir, "run"), "--tmpdir", join(dir, "tmp")],
    ...["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--runtime", "runc"],
  ];
  const { text } = await capture(program, ["--version"], { env });
  undo.defer(async () => void await capture(program, [...globals, "rm", "--all", ...FLAGS.rm!], { env }));
  const owned = undo.move();
  return {
    name: "podman",
    description: text.trim().replace(" version", ""),
    owns: ({ command }) => command.includes(`${dir}/`), // conmon, one for each container
    command: (verb, ...args) => {
      if (verb === "--version") return { program, args: [verb], env };
      const flags = verb === "pull" ? pullFlags : FLAGS[verb] ?? [];
      return { program, args: [...globals, verb, ...flags, ...args], env };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Returns containers.conf. Limits of open files and processes stay at the machine's, as raising them needs
 * CAP_SYS_RESOURCE. Locks are files, since those in shared memory are shared by the whole host; events go to a file
 * instead of the host's journal. conmon gets the environment explicitly: the cleanup that it starts needs the unpacked
 * libraries, and `run` waits for the cleanup.
 */
async function configuration({ root }: Programs, env: Readonly<Record<string, string>>): Promise<string> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  const hard = (title: string) => Number(new RegExp(`^${title} +\\S+ +(\\d+)`, "m").exec(limits)?.[1] ?? Infinity);
  const nofile = Math.min(hard("Max open files"), NOFILE_LIMIT);
  const nproc = Math.min(hard("Max processes"), NPROC_LIMIT);
  const conmon = root === undefined ? [] : [`conmon_path = ${list([programPath("conmon", env.PATH)])}`];
  return [
    "[containers]",
    `default_ulimits = ${list([`nofile=${nofile}:${nofile}`, `nproc=${nproc}:${nproc}`])}`,
    'log_driver = "k8s-file"',
    "[engine]",
    'lock_type = "file"',
    'events_logger = "file"',
    `conmon_env_vars = ${list(Object.entries(env).map(([name, value]) => `${name}=${value}`))}`,
    ...conmon,
    "",
  ].join("\n");
}

function storage(dir: string): string {
  const [root, run] = ["root", "run"].map((name) => JSON.stringify(join(dir, name)));
  return `[storage]\ndriver = "overlay"\ngraphroot = ${root}\nrunroot = ${run}\n`;
}

/** Formats a TOML array of strings. */
const list = (values: readonly string[]): string => `[${values.map((each) => JSON.stringify(each)).join(", ")}]`;
