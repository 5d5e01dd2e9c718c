/**
 * One engine with one image and one registry for all steps of a test file. After each step, everything that the step
 * created must have been removed: containers, mounts, processes, cgroups, directories, zombies.
 */
import { strict as assert } from "node:assert";
import {
  type Engine,
  executable,
  findLeftovers,
  processState,
  runCommand,
  type RunResult,
  type Screen,
  startEngine,
  tracesOf,
  until,
} from "../harness/mod.ts";
import { busyboxImage, pushImage } from "../images/mod.ts";
import { type RealRegistry, startRealRegistry } from "../registry/mod.ts";
import { type Requirement, requires } from "../requires.ts";

/** Two parts of a shell script: the second one waits for SIGUSR1. */
export const ON_SIGNAL = { set: "go=; trap go=1 USR1", wait: 'while [ -z "$go" ]; do sleep 0.02; done' };

/** What the steps of a {@link scenario} share: an engine, a registry and a pulled image. */
export class Fixture implements AsyncDisposable {
  readonly engine: Engine;
  readonly registry: RealRegistry;
  /** A pulled busybox: `127.0.0.1:PORT/busybox`, tag `latest`. */
  readonly image: string;
  /** A directory for the test's files; removed at the end. */
  readonly dir: string;
  readonly #owned: AsyncDisposableStack;
  #descriptors: readonly string[] = [];

  private constructor(engine: Engine, registry: RealRegistry, owned: AsyncDisposableStack) {
    this.engine = engine;
    this.registry = registry;
    this.image = `${registry.host}/busybox`;
    this.dir = `${engine.dir}/test`;
    this.#owned = owned;
  }

  static async start(): Promise<Fixture> {
    await using owned = new AsyncDisposableStack();
    const registry = owned.use(await startRealRegistry());
    await pushImage(registry.url, "busybox", "latest", await busyboxImage());
    const engine = owned.use(await startEngine());
    const fixture = new Fixture(engine, registry, owned.move());
    await Deno.mkdir(fixture.dir);
    const pulled = await engine.tsd(["pull", "-q", fixture.image]);
    assert.deepEqual(pulled, { code: 0, stdout: `${fixture.image}:latest\n`, stderr: "" });
    // Resources that are opened once and kept (Workers, modules, connections) are open from here on.
    expectResult(await fixture.run(["true"]), { code: 0 });
    fixture.#descriptors = await fixture.descriptors();
    return fixture;
  }

  /** Runs `tsd` with these arguments. */
  tsd(...args: string[]): Promise<RunResult> {
    return this.engine.tsd(args);
  }

  docker(...args: string[]): Promise<RunResult> {
    return this.engine.docker(args);
  }

  /** Runs `tsd run --rm --network none` with flags, the image and a command. */
  run(command: readonly string[], flags: readonly string[] = []): Promise<RunResult> {
    return this.engine.tsd(["run", "--rm", "--network", "none", ...flags, this.image, ...command]);
  }

  /** Starts a detached container that sleeps, or runs `command`; returns its ID. */
  async background(name: string, command: readonly string[] = ["sleep", "1000"], flags: readonly string[] = []) {
    const args = ["run", "-d", "--network", "none", "--name", name, ...flags, this.image, ...command];
    const { code, stdout, stderr } = await this.engine.tsd(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^[0-9a-f]{64}\n$/);
    return stdout.trim();
  }

  /** Runs `tsd rm -f` on existing containers. */
  async remove(...names: string[]): Promise<void> {
    expectResult(await this.tsd("rm", "-f", ...names), { stdout: names.map((name) => `${name}\n`).join("") });
  }

  /**
   * Runs a shell script, for tests that need real pipes and files. `$tsd` is the client, `$image` the image, `.`
   * {@link dir}.
   */
  shell(script: string): Promise<RunResult> {
    const env = {
      ...{ tsd: executable(), image: this.image, HOME: `${this.engine.dir}/home` },
      ...{ TSD_HOST: this.engine.host, DOCKER_HOST: this.engine.host },
    };
    return runCommand("sh", ["-euc", script], { cwd: this.dir, env });
  }

  /** Opens a terminal with a shell in {@link dir}, with the variables of {@link Fixture.shell} and `$docker`. */
  screen(): Promise<Screen> {
    return this.engine.screen(this.dir, { image: this.image });
  }

  /** Polls until `done` returns true. @throws Error with `what` at the deadline */
  until(what: string, done: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
    return until(what, done, limitMs);
  }

  /** Returns the IDs of all containers, in any state. */
  async containers(): Promise<string[]> {
    const listed = (await this.engine.api.get("/containers/json?all=1")).json<{ Id: string }[]>();
    return listed.map(({ Id }) => Id);
  }

  /** Fails if anything is left of earlier containers. */
  async nothingLeft(): Promise<void> {
    assert.deepEqual(await this.containers(), []);
    await this.noNewTraces([]);
  }

  /** Fails if there are more traces than `before`; waits for containers that are still being removed. */
  async noNewTraces(before: readonly string[]): Promise<void> {
    let more: string[] = [];
    const done = async () => (more = surplus(await this.traces(), before)).length === 0;
    await this.until("traces of containers to go", done).catch((cause) => {
      throw new Error(`Left behind: ${more.join("; ")}`, { cause });
    });
  }

  /**
   * Lists what containers leave on the host and in the engine's directories: mounts, processes, cgroups, files,
   * zombies.
   */
  async traces(): Promise<string[]> {
    const traces = tracesOf(this.engine.dataRoot);
    const { mounts, processes, cgroups } = await findLeftovers(traces);
    const { zombies } = await processState(this.engine.pid);
    // The DNS process stays for the next container.
    const strangers = processes.filter(({ pid, command }) => pid !== this.engine.pid && !command.includes(" --names "))
      .map(({ pid, command }) => `${pid} ${command}`);
    // The parent cgroup stays for the next container.
    const inner = cgroups.filter((dir) => !dir.endsWith(`/tsd-${traces.engineId}`));
    const { dataRoot, layerRoot } = this.engine;
    const dirs = [
      ...[`${dataRoot}/containers`, `${layerRoot}/snapshots`, `${layerRoot}/ingest`],
      ...[`${traces.runDir}/containers`, `${traces.runDir}/runc`],
    ];
    const entries = (await Promise.all(dirs.map(entriesOf))).flat();
    return [...mounts, ...strangers, ...inner, ...entries, ...zombies > 0 ? [`${zombies} zombies`] : []];
  }

  /** Fails if the engine keeps more descriptors open than `before`, by default those before the first step. */
  async noNewDescriptors(before = this.#descriptors): Promise<void> {
    let more: string[] = [];
    const done = async () => {
      more = surplus(await this.descriptors(), before);
      return more.length === 0;
    };
    // Idle Workers stay for 10 s.
    await this.until("descriptors to close", done, 30_000).catch((cause) => {
      throw new Error(`The engine holds more descriptors than at first: ${more.join(", ")}`, { cause });
    });
  }

  /**
   * Lists the engine's open descriptors, except connections to registries, which stay open for a while for the next
   * pull.
   */
  async descriptors(): Promise<string[]> {
    const unixSockets = await Deno.readTextFile(`/proc/${this.engine.pid}/net/unix`);
    const inodes = new Set(unixSockets.split("\n").map((line) => line.split(/\s+/)[6]));
    const { descriptors } = await processState(this.engine.pid);
    return descriptors.filter((target) => {
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      return inode === undefined || inodes.has(inode);
    }).map(generic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

export type Step = (fixture: Fixture) => Promise<void>;

/** Defines a test whose steps share a {@link Fixture}. */
export function scenario(name: string, steps: Readonly<Record<string, Step>>, ...more: Requirement[]): void {
  Deno.test({
    name,
    ...requires("root", "runc", "docker-registry", ...more),
    async fn(test) {
      await using fixture = await Fixture.start();
      for (const [step, body] of Object.entries(steps)) {
        await test.step(step, async () => {
          try {
            await body(fixture);
            await fixture.nothingLeft();
          } finally {
            await fixture.engine.removeContainers();
          }
        });
      }
      await test.step("no descriptor is left open", () => fixture.noNewDescriptors());
    },
  });
}

/** A complete result; what is omitted must be empty (output) or 0 (code). */
export interface Expected {
  readonly code?: number;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

/** Compares a result exactly, or with the given patterns, and shows all of it on a mismatch. */
export function expectResult(actual: RunResult, expected: Expected): void {
  const shown = JSON.stringify(actual, undefined, 1);
  assert.equal(actual.code, expected.code ?? 0, shown);
  for (const stream of ["stdout", "stderr"] as const) {
    const requested = expected[stream] ?? "";
    if (typeof requested === "string") assert.equal(actual[stream], requested, shown);
    else assert.match(actual[stream], requested, shown);
  }
}

async function entriesOf(dir: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(dir), ({ name }) => `${dir}/${name}`);
}

/** Returns the items of `after` that are not in `before`. */
function surplus(after: readonly string[], before: readonly string[]): string[] {
  const left = [...before];
  return after.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** "socket:[123]" → "socket": the numbers differ each time. */
const generic = (target: string): string => target.replace(/^(socket|pipe|anon_inode):.*$/, "$1");
