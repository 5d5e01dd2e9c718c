import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { MemoryLayerStore, MemorySnapshotter } from "../../store/testsuite/fake.ts";
import type { Change } from "../../store/driver.ts";
import { ContainerDiff } from "./diff.ts";
import type { Container } from "../model/container.ts";

const ID = "a".repeat(64);

Deno.test("changes: what a container did, without the places of the runtime's own mounts", async () => {
  const snapshots = new MemorySnapshotter(new MemoryLayerStore());
  await snapshots.prepare([], ID);
  const own: Change[] = [{ path: "/data", kind: "added" }, { path: "/etc", kind: "modified" }, {
    path: "/etc/group",
    kind: "deleted",
  }];
  const places = ["/dev", "/etc/hosts", "/proc"].map((path): Change => ({ path, kind: "added" }));
  await snapshots.change(ID, [...own, ...places]);
  const find = (name: string) => {
    if (name === "web") return { id: ID } as Container;
    throw new TsdError("container_not_found", `No such container: ${name}`);
  };
  const changes = new ContainerDiff({ find }, snapshots);
  assert.deepEqual(await Array.fromAsync(changes.of("web")), own);
  assert.throws(() => changes.of("nosuch"), { code: "container_not_found" });
});
