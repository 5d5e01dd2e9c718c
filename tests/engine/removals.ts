/**
 * What other programs may remove under an engine, and one round of that: something is removed at a random moment of a
 * container's start, stop, restart, exec or removal. Each command succeeds or says why in one line, and afterwards the
 * container can be removed and nothing of it is left.
 */
import { strict as assert } from "node:assert";
import { type Engine, runCommand, type RunResult, tracesOf } from "../harness/mod.ts";
import { type Holdings, holdingsOf, type Setup, untilSettled } from "./setup.ts";

/** Shell scripts; `$d` is the newest container's id, `$run`, `$data`, `$layers`, `$id` and `$bridge` are the engine's. */
export const REMOVALS: Readonly<Record<string, string>> = {
  "run folder": "rm -rf $run/containers/$d",
  "all run folders": "rm -rf $run/containers",
  "all of the run directory": "umount -l $run/netns/*; rm -rf $run/*",
  "OCI configuration": "rm -f $run/containers/$d/config.json",
  "FIFOs": "rm -f $run/containers/$d/[012]",
  "output's FIFO": "rm -f $run/containers/$d/1",
  "runtime's state": "rm -rf $run/runc/$d",
  "runtime's state of all": "rm -rf $run/runc",
  "runtime's file of a state": "rm -f $run/runc/$d/state.json",
  "FIFO that a start waits at": "rm -f $run/runc/$d/exec.fifo",
  "pin of a namespace": "umount -l $run/netns/$d; rm -f $run/netns/$d",
  "pins of all namespaces": "umount -l $run/netns/*; rm -rf $run/netns",
  "folder": "rm -rf $data/containers/$d",
  "log": "rm -f $data/containers/$d/*-json.log",
  "/etc files": "rm -f $data/containers/$d/hosts $data/containers/$d/resolv.conf",
  "mount of the root": "umount -l $(grep $data /proc/mounts | grep merged | cut -d' ' -f2 | tail -n 1)",
  "snapshot": "rm -rf $layers/snapshots/$d",
  "bridge": "ip link del $bridge",
  "interface": "ip link del $(ls /sys/class/net/$bridge/brif | tail -n 1)",
  "rules": "nft delete table inet tsd-$id",
  "cgroups":
    "for h in /sys/fs/cgroup /sys/fs/cgroup/*; do for c in $h/tsd-$id/*/; do for p in $(cat $c/cgroup.procs); do echo $p >$h/cgroup.procs; done; rmdir $c; done; done",
  "cgroup of all": "for h in /sys/fs/cgroup /sys/fs/cgroup/*; do rmdir $h/tsd-$id/*/ $h/tsd-$id; done",
};

const PHASES = ["start", "stop", "restart", "exec", "remove"] as const;
const FLAGS = [["-p", "0:80"], ["--network", "none"], ["-i"], ["-t"], ["--rm"]];
const SCRIPT = "trap 'exit 3' TERM; echo hi; while :; do sleep 0.05; done";
const NAME = "removals";
/** The longest time before something is removed, in ms. */
const LONGEST_DELAY_MS = 150;

export interface RemovalRound {
  /** A key of {@link REMOVALS}. */
  readonly what: string;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** What the engine holds without a container. */
  readonly before: Holdings;
}

/** What an engine holds that has had a network and no container; its own process isn't compared. */
export async function heldAtRest({ engine, image }: Setup): Promise<Holdings> {
  assert.equal((await engine.tsd(["run", "--rm", image, "true"])).code, 0);
  const { host: { process: _, ...host }, ...holdings } = await holdingsOf(engine);
  return { ...holdings, host };
}

/** Runs one round. @throws Error that says which */
export async function removeDuring({ engine, image }: Setup, { what, random, before }: RemovalRound): Promise<void> {
  const phase = PHASES[Math.floor(random() * PHASES.length)]!;
  const wished = FLAGS.filter(() => random() < 0.35);
  const flags = (wished.includes(FLAGS[1]!) ? wished.filter((each) => each !== FLAGS[0]) : wished).flat();
  const delayMs = random() ** 2 * LONGEST_DELAY_MS;
  const shown = `${what} at ${phase} after ${Math.round(delayMs)} ms ${flags.join(" ")}`;
  const broken = async (step: Promise<RunResult>) => {
    const removed = new Promise((resolve) => setTimeout(resolve, delayMs)).then(() => remove(engine, what));
    return (await Promise.all([step, removed]))[0];
  };
  const call = async (at: string, ...args: string[]) => {
    const step = engine.tsd(args);
    const result = await (at === phase ? broken(step) : step);
    assert.ok(result.code === 0 || isOneLine(result), `${shown}: ${args[0]}: ${JSON.stringify(result)}`);
  };
  await call("start", "run", "-d", "--name", NAME, ...flags, image, "sh", "-c", SCRIPT);
  if (phase === "exec") await call(phase, "exec", NAME, "true");
  if (phase === "stop" || phase === "restart") await call(phase, phase, "-t", "3", NAME);
  if (phase === "stop") await call("start again", "start", NAME);
  await call("remove", "rm", "-f", NAME);
  const left = (await engine.api.get("/containers/json?all=1")).json<{ Names: string[] }[]>();
  assert.deepEqual(left.map(({ Names }) => Names), [], shown);
  await untilSettled(engine, before).catch((thrown) => assert.fail(`${shown}: ${thrown.message}`));
}

/** A line of tsd's or of the runtime's, perhaps with a hint below it, and no trace of a stack. */
function isOneLine({ stdout, stderr }: RunResult): boolean {
  const said = stderr || stdout;
  return /^[^\r\n]+\r?\n(Run '[^\n]*\n|See '[^\n]*\n)?$/.test(said) &&
    !/\.[tj]s:\d|\bat \w+ \(|it is not there/.test(said);
}

async function remove({ dataRoot, layerRoot }: Engine, what: string): Promise<void> {
  const { runDir, engineId } = tracesOf(dataRoot);
  const env = { run: runDir, data: dataRoot, layers: layerRoot, id: engineId, bridge: `tsd${engineId}0` };
  const script = `d=$(ls -t $data/containers | head -n 1); ${REMOVALS[what]}`;
  // What isn't there (yet) can't be removed.
  await runCommand("sh", ["-c", script], { env });
}
