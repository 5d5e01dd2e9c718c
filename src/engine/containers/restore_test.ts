import { strict as assert } from "node:assert";
import { digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import type { LeftIntent } from "../events/event_bus.ts";
import { OrphanedIntents } from "../events/orphaned_intents.ts";
import { enginePaths } from "../paths.ts";
import { Restore } from "./restore.ts";
import { Container, type ContainerState } from "../model/container.ts";
import { EXITED } from "./containers_testing.ts";

const CREATED: ContainerState = { status: "created", exitCode: 0, error: "" };

/** What the engine before has left of a container that doesn't run. */
interface Orphaned {
  readonly name: string;
  readonly state: ContainerState;
  readonly snapshot?: "whole" | "half";
  readonly home?: boolean;
  /** Whether its removal, with its volumes, was begun. */
  readonly isBeingRemoved?: boolean;
  /** Whether its creation was under way. */
  readonly isBeingMade?: boolean;
  /** Whether it goes. */
  readonly goes: boolean;
}

const CASES: readonly Orphaned[] = [
  { name: "created", state: CREATED, snapshot: "whole", home: true, goes: false },
  { name: "created, but not answered", state: CREATED, snapshot: "whole", home: true, isBeingMade: true, goes: false },
  { name: "created, without its folder", state: CREATED, snapshot: "whole", goes: false },
  { name: "its layer was not made", state: CREATED, home: true, goes: true },
  { name: "nothing of it was made", state: CREATED, goes: true },
  { name: "its layer was being made", state: CREATED, snapshot: "half", home: true, isBeingMade: true, goes: true },
  {
    name: "its start failed",
    state: { ...CREATED, error: "no such file" },
    snapshot: "whole",
    home: true,
    goes: false,
  },
  { name: "ended", state: EXITED, snapshot: "whole", home: true, goes: false },
  { name: "ended, and its layer is damaged", state: EXITED, snapshot: "half", home: true, goes: false },
  { name: "ended, and its layer is elsewhere", state: EXITED, home: true, goes: false },
  { name: "its removal took its folder", state: EXITED, snapshot: "whole", goes: false },
  { name: "its removal took all", state: EXITED, goes: true },
  {
    ...{ name: "its removal has taken its volumes", state: EXITED, snapshot: "whole", home: true },
    ...{ isBeingRemoved: true, goes: true },
  },
];

Deno.test("creations that were cut off are undone, removals are finished, all else stays", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-adoption-" });
  try {
    const containers = CASES.map(({ name, state }, n) =>
      new Container(`${n}`.padStart(64, "0"), name, n, {
        ...{ imageName: "busybox", imageId: digestOfHex("0".repeat(64)), layers: [], config: {}, platform: "linux" },
        ...{ hostConfig: {}, mounts: [] },
      }, state)
    );
    const orphanedOf = (id: string) => CASES[Number(id)]!;
    for (const { id } of containers) {
      if (orphanedOf(id).home) await Deno.mkdir(`${dir}/containers/${id}`, { recursive: true });
    }
    const reported: string[] = [];
    const intent = (n: number): LeftIntent => ({
      pending: { type: "container", action: "create", actorId: containers[n]!.id, attributes: {} },
      publish: () => void reported.push(CASES[n]!.name),
      drop: () => {},
    });
    const removed: (readonly [string, boolean | undefined])[] = [];
    const restore = new Restore({
      runs: {} as never,
      removals: {
        clean: () => Promise.resolve(),
        remove: (container, { volumes, isUntold } = {}) => {
          assert.equal(isUntold, orphanedOf(container.id).isBeingMade ?? false);
          return Promise.resolve(void removed.push([container.name, volumes]));
        },
      },
      table: {
        ...{ list: () => containers, has: () => true },
        isBeingRemoved: ({ id }: Container) => orphanedOf(id).isBeingRemoved === true,
      } as never,
      snapshots: {
        list: () =>
          Promise.resolve(containers.map(({ id }) => id).filter((id) => orphanedOf(id).snapshot !== undefined)),
        isComplete: (id: string) => Promise.resolve(orphanedOf(id).snapshot === "whole"),
      } as never,
      runtimes: { ofIfKnown: () => undefined },
      paths: await enginePaths(dir),
      log: SILENT_LOG,
      orphanedIntents: new OrphanedIntents(() => CASES.flatMap(({ isBeingMade }, n) => isBeingMade ? [intent(n)] : [])),
      freezer: { reconcile: () => {} },
      oom: {} as never,
      health: { restore: () => Promise.resolve() },
      fdHolders: {} as never,
      newIo: () => assert.fail(),
      open: () => undefined,
      isInCgroup: () => false,
      exit: () => Promise.resolve(undefined),
      knownExits: {},
    });
    await restore.run();
    const expected = CASES.filter(({ goes }) => goes).map(({ name, isBeingRemoved = false }) => [name, isBeingRemoved]);
    assert.deepEqual(removed.sort(), expected.sort());
    assert.deepEqual(reported, ["created, but not answered"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
