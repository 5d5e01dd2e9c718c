import "../../sys/preopen_testing.ts";
import { strict as assert } from "node:assert";
import type { HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { files, processStartTime } from "../../sys/mod.ts";
import { enginePaths } from "../paths.ts";
import { Container, type ContainerState } from "../model/container.ts";
import { EXITED, fakeContainer } from "./containers_testing.ts";
import { NamespaceJoiner } from "./shared_namespaces.ts";

const LIVE = {
  status: "running",
  startedMs: 0,
  pid: Deno.pid,
  startTicks: String(processStartTime(Deno.pid)),
} as const satisfies ContainerState;

function container(id: string, state: ContainerState, hostConfig: HostConfig = {}): Container {
  return new Container(id, `name-${id}`, 0, { ...fakeContainer().record, hostConfig }, state);
}

async function joinerOf(...containers: Container[]): Promise<NamespaceJoiner> {
  const paths = { ...await enginePaths("/nonexistent"), runDir: "/nonexistent" };
  const find = (name: string) => {
    const found = containers.find((each) => each.id === name || each.name === name);
    if (found === undefined) throw new TsdError("container_not_found", `No such container: ${name}`);
    return found;
  };
  return new NamespaceJoiner({ table: { find }, paths, files });
}

Deno.test("modes name containers by id from their creation on; what isn't there is told at the start", async () => {
  const joiner = await joinerOf(container("c1", LIVE));
  assert.deepEqual(joiner.byId({ PidMode: "container:name-c1", IpcMode: "container:gone", UTSMode: "host" }), {
    PidMode: "container:c1",
    IpcMode: "container:gone",
    UTSMode: "host",
  });
  assert.deepEqual(joiner.byId({}), {});
});

Deno.test("a namespace is held open while it is joined", async () => {
  const joiner = await joinerOf(container("c1", LIVE, { IpcMode: "host" }));
  const joined = joiner.join(container("c2", EXITED, { PidMode: "container:c1", IpcMode: "container:c1" }));
  assert.match(await Deno.readLink(joined.pid!), /^pid:\[\d+\]$/);
  assert.match(await Deno.readLink(joined.ipc!), /^ipc:\[\d+\]$/);
  assert.equal(joined.shmPath, "/dev/shm");
  joined[Symbol.dispose]();
  await assert.rejects(Deno.readLink(joined.pid!), Deno.errors.NotFound);
});

Deno.test("what can't be joined is said in Docker's words, and nothing stays open", async () => {
  const restarting: ContainerState = { ...EXITED, status: "restarting" } as ContainerState;
  const joiner = await joinerOf(
    container("up", LIVE),
    container("down", EXITED),
    container("again", restarting),
    container("reborn", { ...LIVE, startTicks: "1" }),
  );
  const hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)";
  const refused: readonly (readonly [HostConfig, string, string])[] = [
    [{ PidMode: "container:no" }, "invalid_argument", "failed to join PID namespace: No such container: no"],
    [{ IpcMode: "container:down" }, "not_running", "failed to join IPC namespace: container down is not running"],
    [
      { PidMode: "container:again" },
      "conflict",
      "failed to join PID namespace: Container again is restarting, wait until the container is running",
    ],
    [{ PidMode: "container:reborn" }, "not_running", "failed to join PID namespace: its process has just ended"],
    [
      { PidMode: "container:up", IpcMode: "container:up" },
      "invalid_argument",
      `failed to join IPC namespace: container up: ${hint}`,
    ],
  ];
  for (const [host, code, message] of refused) {
    const before = (await Array.fromAsync(Deno.readDir("/proc/self/fd"))).length;
    assert.throws(() => joiner.join(container("new", EXITED, host)), { code, message });
    assert.equal((await Array.fromAsync(Deno.readDir("/proc/self/fd"))).length, before, message);
  }
});
