/** @module Fake containers and their events for unit tests. */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { digestOfHex } from "../../image/digest.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import { ContainerEvents } from "../events/container_events.ts";
import { fakeSink } from "../events/events_testing.ts";
import { Container, type ContainerState } from "../model/container.ts";

/** A running state. */
export const RUNNING: ContainerState = { status: "running", startedMs: 0, pid: 7, startTicks: "1" };
/** An exited state. */
export const EXITED: ContainerState = { status: "exited", startedMs: 0, finishedMs: 1, exitCode: 0, error: "" };

/** A container `web` with the id `c1`. */
export function fakeContainer(
  state: ContainerState = RUNNING,
  { config = {}, hostConfig = {} }: { config?: ContainerConfig; hostConfig?: HostConfig } = {},
): Container {
  const imageId = digestOfHex("0".repeat(64));
  return new Container("c1", "web", 0, {
    imageName: "busybox",
    imageId,
    layers: [],
    config,
    hostConfig,
    platform: "linux",
  }, state);
}

/** Records events as `action key=value`, without the attributes that every event of {@link fakeContainer} has. */
export function recordedEvents(): { readonly reported: string[]; readonly events: ContainerEvents } {
  const reported: string[] = [];
  const events = new ContainerEvents(
    fakeSink(({ action, detail, attributes: { image: _image, name: _name, ...rest } }) => {
      const info = Object.entries(rest).map(([key, value]) => ` ${key}=${value}`).join("");
      reported.push((detail === undefined ? action : `${action}: ${detail}`) + info);
    }),
  );
  return { reported, events };
}

/** Returns runtimes that consist of one. */
export function runtimesOf<T>(runtime: T): { of(): T; ofIfKnown(): T } {
  return { of: () => runtime, ofIfKnown: () => runtime };
}

/** Returns a table with one container that keeps states in memory. */
export function tableOf(container: Container) {
  return {
    find: () => container,
    has: () => true,
    setState: (_: Container, state: ContainerState, restarts = container.restarts, recording: Recording = UNTOLD) =>
      recording({
        write: () => {
          container.state = state;
          container.restarts = restarts;
        },
      }),
  };
}
