/**
 * Containers may make the same system calls as with today's Docker: a program that makes them all runs on tsd, and the
 * filter's verdict on each is compared with that of dockerd 20.10 (golden/). Differences of today's Docker are listed
 * in explained.ts, call by call. UPDATE_GOLDEN=1 (`./dev golden seccomp_probe`) records dockerd's again first.
 */
import { strict as assert } from "node:assert";
import { type Engine, startEngine } from "../harness/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { expectedToday } from "./explained.ts";
import { compileProbe, probeImage, YOUNG_CALLS } from "./probe.ts";
import {
  isSameVerdict,
  type Outcomes,
  outcomesOf,
  parse,
  render,
  type Verdict,
  type Verdicts,
  verdictsOf,
} from "./verdicts.ts";

const GOLDEN = new URL(`golden/dockerd_20.10_${Deno.build.arch}.txt`, import.meta.url);
const isRecording = Deno.env.get("UPDATE_GOLDEN") === "1";
const UNCONFINED = ["--security-opt", "seccomp=unconfined"];
/** Kinds of containers, by their flags: the filter depends on capabilities. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  "with SYS_ADMIN": ["--cap-add", "SYS_ADMIN"],
  "without capabilities": ["--cap-drop", "ALL"],
};

/** Runs the probe in a container with these flags. */
type Run = (flags: readonly string[]) => Promise<string>;

function isRecorded(): boolean {
  try {
    return Deno.statSync(GOLDEN).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

const args = (reference: string, flags: readonly string[]) => [
  ...["run", "--rm", "--network", "none", "-m", "512m", "--pids-limit", "100", ...flags, reference, "/probe"],
];

Deno.test({
  name: "seccomp: tsd's filter gives the same verdict on each call as dockerd's",
  ...requires("root", "runc", "cc", "docker"),
  // The recording is for x86_64; on other architectures `./dev golden seccomp_probe` makes one first.
  ...(isRecorded() || isRecording ? {} : { ignore: true }),
  async fn(test) {
    await using undo = new AsyncDisposableStack();
    const registry = undo.use(startScriptedRegistry());
    const probe = undo.use(await compileProbe());
    const reference = registry.add("probe", "1", await probeImage(probe.path));
    if (isRecording) await record(registry, reference);
    const engine = undo.use(await startEngine());
    const golden = parse(await Deno.readTextFile(GOLDEN));
    for (const [variant, flags] of Object.entries(VARIANTS)) {
      await test.step(variant, async () => {
        const { filtered, free } = await bothRuns(runOn(engine, reference), flags);
        compare(variant, golden[variant]!, verdictsOf(filtered, free), free);
      });
    }
  },
});

function compare(variant: string, golden: Verdicts, actual: Verdicts, free: Outcomes): void {
  const { verdicts, unused } = expectedToday(variant, golden);
  assert.deepEqual(unused, [], "differences that are explained, and aren't there");
  const problems: string[] = [];
  let compared = 0;
  for (const [call, verdict] of actual) {
    const requested: Verdict | undefined = verdicts.get(call);
    // A header may be newer than that of the recording, and a kernel may lack support for 32-bit programs.
    if (requested === undefined || (call.startsWith("i386 ") && free.get("i386 getpid") !== "ok")) continue;
    compared++;
    if (!isSameVerdict(requested, verdict, YOUNG.has(call.split(" ")[1]!))) {
      problems.push(`${call}: ${requested} with Docker, ${verdict} here`);
    }
  }
  assert.equal(problems.join("\n"), "");
  assert(compared > 350, `only ${compared} calls were compared`);
}

const YOUNG: ReadonlySet<string> = new Set(YOUNG_CALLS.map(([name]) => name));

async function bothRuns(run: Run, flags: readonly string[]) {
  return {
    filtered: outcomesOf(await run(flags)),
    free: outcomesOf(await run([...flags, ...UNCONFINED])),
  };
}

function runOn(engine: Engine, reference: string): Run {
  return async (flags) => {
    const { code, stdout, stderr } = await engine.tsd(args(reference, flags));
    assert.equal(code, 0, stderr);
    return stdout;
  };
}

/** Runs the probe on a real dockerd, and writes the golden file. */
async function record(registry: ScriptedRegistry, reference: string): Promise<void> {
  const { startDockerDaemon } = await import("../../bench/peers/docker_daemon.ts");
  const { dockerPeer } = await import("../transcripts/peers.ts");
  await using daemon = await startDockerDaemon({ configuration: { "insecure-registries": [registry.host] } });
  const peer = dockerPeer(daemon);
  const byVariant: Record<string, Verdicts> = {};
  for (const [variant, flags] of Object.entries(VARIANTS)) {
    const run: Run = async (more) => {
      const { code, stdout, stderr } = await peer.run(args(reference, more));
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const { filtered, free } = await bothRuns(run, flags);
    byVariant[variant] = verdictsOf(filtered, free);
  }
  await Deno.mkdir(new URL(".", GOLDEN), { recursive: true });
  await Deno.writeTextFile(GOLDEN, render(byVariant));
}
