/**
 * @module
 * The life of a container, from the pull of its image to its removal, as plugins see it: for `tsd plugin test`, which asks a
 * plugin about each step without a container. One context for each hook, of the shape that the table says.
 */
import type { HookContexts, HookName } from "../../plugins/mod.ts";

const IMAGE_ID = "sha256:5d0da3dc976460b72c77d94c8a1ad043720b0416bfc16c52c45d4847e53fadb6";
const DIFF_ID = "sha256:3d24ee258efc3bfe4066a1a9fb83febf6dc0b1548dfe896161533668281c9f4f";

const container = {
  id: "8d1f3c4b5a6978879aabbccddeeff00112233445566778899aabbccddeeff001",
  name: "web",
  image: "nginx:1",
  imageId: IMAGE_ID,
  labels: { "com.example.team": "shop" },
};
const reference = {
  reference: "docker.io/library/nginx:1",
  registry: "docker.io",
  repository: "library/nginx",
};
const image = {
  reference: reference.reference,
  source: reference.reference,
  id: IMAGE_ID,
  digest: "sha256:9b10cdd1a8bd1b5e6d2a8a2b3a7dbe8a4b1f5c0d2d5f1a1b9c8d7e6f5a4b3c2d",
  layers: [DIFF_ID],
  labels: { maintainer: "example" },
};
const created = {
  ...container,
  args: ["nginx", "-g", "daemon off;"],
  env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
  mounts: [{ type: "volume", source: "web-data", target: "/usr/share/nginx/html", readOnly: false }],
  annotations: {},
  user: "",
  privileged: false,
  networkMode: "bridge",
};

type Step = { readonly [N in HookName]: { readonly hook: N; readonly context: HookContexts[N] } }[HookName];

/** In the order in which they come. */
export const SAMPLE_EVENTS: readonly Step[] = [
  {
    hook: "api.request",
    context: {
      method: "POST",
      path: "/images/create",
      route: "/images/create",
      params: {},
      query: { fromImage: ["nginx"], tag: ["1"] },
      headers: { "user-agent": "docker/28.2.2" },
      bodyEncoding: "none",
    },
  },
  { hook: "image.beforePull", context: reference },
  { hook: "registry.resolve", context: reference },
  { hook: "registry.credentials", context: reference },
  { hook: "image.verify", context: image },
  { hook: "image.pulled", context: { ...image, downloadedBytes: 29_126_484 } },
  { hook: "image.loaded", context: { ...image, source: "archive" } },
  { hook: "api.answered", context: { method: "POST", route: "/images/create", status: 200, durationMs: 3 } },
  { hook: "container.create", context: created },
  { hook: "container.validate", context: created },
  { hook: "volume.created", context: { name: "web-data", labels: {} } },
  {
    hook: "network.ready",
    context: {
      ...container,
      netns: `/run/tsd/netns/${container.id}`,
      networks: [{
        name: "bridge",
        interface: "eth0",
        address: "172.17.0.2",
        prefix: 16,
        gateway: "172.17.0.1",
        mac: "02:42:ac:11:00:02",
      }],
    },
  },
  { hook: "container.started", context: { ...container, pid: 4711, replayed: false } },
  { hook: "log.line", context: { ...container, stream: "stdout", line: "ready" } },
  { hook: "health.changed", context: { ...container, status: "healthy", before: "starting", failingStreak: 0 } },
  {
    hook: "container.exec",
    context: {
      ...container,
      command: ["nginx", "-s", "reload"],
      user: "",
      workingDir: "",
      tty: false,
      privileged: false,
    },
  },
  { hook: "container.oom", context: container },
  { hook: "container.exited", context: { ...container, exitCode: 137, ranMs: 61_000, oomKilled: true } },
  { hook: "container.removed", context: container },
  {
    hook: "prune.plan",
    context: {
      things: [{
        kind: "image",
        id: IMAGE_ID,
        names: ["nginx:1"],
        labels: { maintainer: "example" },
        why: "no container uses it",
        bytes: 77_000_000,
      }],
    },
  },
];
