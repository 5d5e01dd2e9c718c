import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { isTsdError, toTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, HookDirs, type Plugin } from "../../plugins/mod.ts";
import { Reaper } from "../../runtime/reaper.ts";
import type { FdHolderRef } from "../../runtime/fd_holder.ts";
import { FifoIo } from "../../runtime/fifo_io.ts";
import { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import { Runc } from "../../runtime/runc.ts";
import { type OciHooks, probeHost } from "../../runtime/spec/mod.ts";
import { OverlaySnapshotter } from "../../store/overlay/mod.ts";
import { Epoll, files, mounts, processes, selfProcess, tree } from "../../sys/mod.ts";
import { workerUrl } from "../../worker_entry.ts";
import { namesIn } from "../directories.ts";
import { containerPaths, enginePaths, runtimeRoot } from "../paths.ts";
import { Container } from "../model/container.ts";
import { fakeContainer, runtimesOf } from "./containers_testing.ts";
import { OrphanedCgroups } from "./orphaned_cgroups.ts";
import { FD_HOLDER_PROCESSES, FdHolders } from "./fd_holders.ts";
import { ContainerStarter } from "./start.ts";

const DEADLINE_MS = 1000;
const ID = "c".repeat(64);
const CREATED = { status: "created", exitCode: 0, error: "" } as const;

/** Does what `$dir/fault` says when that subcommand is called, and is runc otherwise. */
const FAULTY_RUNC = `#!/bin/sh
read wanted fault <DIR/fault
for word in "$@"; do case $word in create | start | delete) command=$word; break ;; esac; done
[ "$command" = "$wanted" ] || exec runc "$@"
[ "$fault" = hangs ] || runc "$@" || exit
sleep 1000 & sleep 1000
`;

interface Bench {
  readonly container: Container;
  fault(command: string, what: "hangs" | "does-it-and-hangs"): Promise<void>;
  /** Launches it, with new streams. */
  launch(): Promise<number>;
  clean(): Promise<void>;
  /** What there is of it: mounts, run folder, the runtime's folder, processes. */
  left(): Promise<string[]>;
}

/** What is otherwise than in an ordinary start. */
interface Changed {
  /** The container is connected, to nothing. */
  readonly isConnected?: boolean;
  readonly plugins?: readonly Plugin[];
  readonly ociHooks?: OciHooks;
}

/** A container whose only program is busybox, on a runtime that can be told to hang. */
async function withBench(use: (bench: Bench) => Promise<void>, changed: Changed = {}): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-launcher-" }));
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const paths = await enginePaths(`${dir}/data`);
  stack.defer(() => Deno.remove(paths.runDir, { recursive: true }));
  stack.defer(() => removeCgroups(paths.cgroup));
  selfProcess.setChildSubreaper();
  const exits = stack.use(new Reaper(processes).start());
  const epoll = stack.use(new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) }));
  void epoll.run();
  const hub = stack.use(new StdioRouter(workerUrl("logs"), SILENT_LOG));
  await hub.ready;
  await Deno.writeTextFile(`${dir}/runc`, FAULTY_RUNC.replace("DIR", dir), { mode: 0o755 });
  await Deno.writeTextFile(`${dir}/fault`, "nothing hangs\n");
  const runtime = new Runc(
    { path: `${dir}/runc`, stateRoot: runtimeRoot(paths), logDir: paths.runDir, deadlineMs: DEADLINE_MS },
    processes,
    exits,
  );
  const missing = () => Promise.reject(new Error("there are no layers"));
  const layers = { info: missing, openLowerDir: missing };
  const snapshots = new OverlaySnapshotter({ root: `${paths.dataRoot}/overlay2`, layers });
  const container = new Container(ID, "web", 0, {
    ...fakeContainer(CREATED, { config: { Cmd: ["/sleep", "1000"] } }).record,
    hostConfig: { NetworkMode: "none" },
    ...changed.ociHooks !== undefined && { ociHooks: changed.ociHooks },
  }, CREATED);
  const { bundle, home } = containerPaths(paths, ID);
  for (const directory of [home, paths.runDir]) await Deno.mkdir(directory, { recursive: true });
  await snapshots.prepare([], ID);
  stack.defer(() => snapshots.remove(ID));
  await Deno.copyFile("/bin/busybox", `${paths.dataRoot}/overlay2/snapshots/${ID}/upper/sleep`);
  const ended = (fdHolder: FdHolderRef) => exits.exit(fdHolder.pid);
  const fdHolders = new FdHolders({ paths, log: SILENT_LOG, fdHolders: { ...FD_HOLDER_PROCESSES, ended } });
  const details = await probeHost();
  const launcher = new ContainerStarter({
    ...{ paths, snapshots, processes, mounts, fdHolders, info: details, log: SILENT_LOG },
    runtimes: runtimesOf(runtime),
    filling: { finish: () => Promise.resolve() },
    volumes: {
      mount: () => Promise.resolve({ mounts: [], [Symbol.dispose]: () => undefined }),
      unmount: () => Promise.resolve(),
      release: () => Promise.resolve(),
      hasOptions: () => false,
      isMounted: () => false,
    },
    namespaces: { join: () => ({ [Symbol.dispose]: () => undefined }), networkOwner: () => undefined },
    networks: {
      start: () =>
        Promise.resolve(changed.isConnected ? { id: "s1", path: "/proc/self/ns/net", ports: [] } : undefined),
      stop: () => Promise.resolve(),
      endpointsOf: () => ({ sandbox: undefined, endpoints: [] }),
      hostGateway: undefined,
      nameServerOf: () => undefined,
    },
    hooks: new HookBus(changed.plugins ?? [], SILENT_LOG),
    hookDirs: new HookDirs([]),
    orphanedCgroups: new OrphanedCgroups((id) => `${paths.cgroup}/${id}`, processes),
  });
  await use({
    container,
    fault: (command, what) => Deno.writeTextFile(`${dir}/fault`, `${command} ${what}\n`),
    async launch() {
      const io = new FifoIo({ key: ID, dir: bundle, stdin: false, output: true }, hub, { files, tree, epoll });
      let pid = 0;
      await launcher.start(container, io, (process) => {
        pid = process.pid;
        process.pidFd[Symbol.dispose]();
      });
      stack.defer(() => io.discard());
      return pid;
    },
    clean: () => launcher.clean(container),
    left: async () => [
      ...(await Deno.readTextFile("/proc/self/mountinfo")).split("\n").filter((line) => line.includes(dir)),
      ...await namesIn(`${paths.runDir}/containers`),
      ...await namesIn(runtimeRoot(paths)),
      ...await processesWith(dir, paths.runDir),
    ],
  });
}

/** Processes whose arguments or open files name one of the folders; not this one. */
async function processesWith(...dirs: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const details = [await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")];
    for (const fd of await namesIn(`/proc/${name}/fd`).catch(() => [])) {
      details.push(await Deno.readLink(`/proc/${name}/fd/${fd}`).catch(() => ""));
    }
    if (details.some((each) => dirs.some((directory) => each.includes(directory)))) found.push(`process ${name}`);
  }
  return found;
}

/** The engine's own part, in every hierarchy. */
async function removeCgroups(name: string): Promise<void> {
  for (const hierarchy of ["", ...await namesIn("/sys/fs/cgroup")]) {
    await Deno.remove(`/sys/fs/cgroup/${hierarchy}/${name}`).catch((thrown) => {
      const none = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory;
      if (!none) throw thrown;
    });
  }
}

async function settles(check: () => Promise<string[]>): Promise<void> {
  for (const deadline = Date.now() + 5000;;) {
    const left = await check();
    if (left.length === 0) return;
    assert.ok(Date.now() < deadline, left.join("; "));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const options = requires("root", "runc", "overlay");

Deno.test("a container is launched and cleaned away", options, () =>
  withBench(async ({ launch, clean, left }) => {
    const pid = await launch();
    // The runtime's own process becomes the container's a little after the start.
    const command = () => Deno.readTextFile(`/proc/${pid}/cmdline`);
    await settles(async () => /^\/sleep\0/.test(await command()) ? [] : [`it is ${await command()}`]);
    assert.ok((await left()).length >= 3);
    await clean();
    await settles(left);
  }));

Deno.test("a plugin that refuses when the network is there keeps the process from being made", options, async () => {
  const seen: string[] = [];
  const strict: Plugin = {
    ...{ name: "strict", apiVersion: 1 },
    hooks: {
      "network.ready": ({ id, netns }) => {
        seen.push(id, netns);
        return { refuse: "not in there" };
      },
    },
  };
  await withBench(async ({ launch, left }) => {
    await assert.rejects(launch(), (thrown) => {
      const error = toTsdError(thrown);
      assert.equal(error.message, "Plugin strict refused (network.ready): not in there");
      return isTsdError(error, "permission_denied");
    });
    assert.deepEqual(seen, [ID, "/proc/self/ns/net"]);
    await settles(left);
  }, { isConnected: true, plugins: [strict] });
});

Deno.test("hooks that plugins have given a container are run by the runtime, at every stage", options, async () => {
  const file = await Deno.makeTempFile({ prefix: "tsd-stages-" });
  try {
    const hook = (stage: string) => [{ path: "/bin/sh", args: ["sh", "-c", `echo ${stage} >>${file}`] }];
    const stages = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    await withBench(async ({ launch, clean, left }) => {
      await launch();
      await clean();
      await settles(left);
    }, { ociHooks: Object.fromEntries(stages.map((stage) => [stage, hook(stage)])) });
    assert.deepEqual((await Deno.readTextFile(file)).trimEnd().split("\n"), stages);
  } finally {
    await Deno.remove(file);
  }
});

for (const command of ["create", "start"] as const) {
  for (const what of ["hangs", "does-it-and-hangs"] as const) {
    Deno.test(
      `a runtime whose ${command} ${what}: a deadline, one error, nothing left, and it works again`,
      options,
      () =>
        withBench(async ({ fault, launch, clean, left }) => {
          await fault(command, what);
          await assert.rejects(launch(), (thrown) => {
            const error = toTsdError(thrown);
            assert.match(error.message, new RegExp(`runc ${command} did not end within 1 s and was killed$`));
            return isTsdError(error, "timeout");
          });
          await settles(left);
          await fault("delete", "hangs");
          await launch();
          await assert.rejects(clean(), (thrown) => isTsdError(thrown, "timeout"));
          await fault("create", what);
          await assert.rejects(launch(), (thrown) => isTsdError(toTsdError(thrown), "timeout"));
          await settles(left);
        }),
    );
  }
}
