/** Builds the view of a container's files from its configuration and state. */
import { type Container, isLive } from "../model/container.ts";
import { mountsOf, type RequestedMount } from "../model/mounts.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { ViewMount, ViewSpec } from "./protocol.ts";

/** Files in each container's /etc that the engine provides. */
const ETC_FILES = ["hostname", "hosts", "resolv.conf"];
const SHARED_MEMORY = "/dev/shm";

/** Returns the root and the mounts of a container. @param root absolute path of the mounted root on the host */
export function rootfsView(container: Container, root: string, paths: EnginePaths): ViewSpec {
  const { state, record: { hostConfig } } = container;
  const readOnly = hostConfig.ReadonlyRootfs ?? false;
  const { home } = containerPaths(paths, container.id);
  const requested = mountsOf(container.record).map(viewMount);
  const etc = ETC_FILES.map((name): ViewMount => (
    { target: `/etc/${name}`, source: `${home}/${name}`, isOwn: true, recursive: false, readOnly }
  ));
  const sharedMemory: ViewMount = { target: SHARED_MEMORY, isOwn: false, recursive: true, readOnly: false };
  const targets = new Set(requested.map(({ target }) => target));
  const mounts = [...requested, ...[...etc, sharedMemory].filter(({ target }) => !targets.has(target))];
  return {
    root,
    readOnly,
    mounts: mounts.sort((a, b) => depth(a.target) - depth(b.target)),
    ...(isLive(state) ? { process: { pid: state.pid, startTicks: state.startTicks } } : {}),
  };
}

function viewMount({ mount, volume, image }: RequestedMount): ViewMount {
  const { target } = mount;
  if (mount.kind === "tmpfs") return { target, isOwn: false, recursive: true, readOnly: mount.options.includes("ro") };
  const { source, readOnly, recursive = true } = mount;
  const subpath = (volume ?? image)?.subpath;
  return { target, source, isOwn: false, recursive, readOnly, ...(subpath !== undefined && { subpath }) };
}

const depth = (path: string): number => path.split("/").length;
