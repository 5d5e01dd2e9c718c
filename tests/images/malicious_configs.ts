/** Configurations that try to reach the host through how the engine applies them (number 32, and 26, 27). */
import { busyboxBuilder } from "./busybox.ts";
import { digestOf } from "./bytes.ts";
import type { HostileConfig, Probe } from "./malicious.ts";
import type { ContainerConfig, Image, Json } from "./image_builder.ts";
import { dir, file } from "./tar_entries.ts";
import type { Victim } from "./victim.ts";

const DIFF_IDS = "diff_ids";
const OTHER = digestOf(new Uint8Array([1]));

function configured(
  name: string,
  what: string,
  config: ContainerConfig | ((victim: Victim) => ContainerConfig),
): HostileConfig {
  return {
    ...{ kind: "config", number: 32, name, what, expect: "either" },
    build: (victim) => busyboxBuilder({ config: typeof config === "function" ? config(victim) : config }).build(),
  };
}

/** Changes rootfs.diff_ids. */
function diffIds(number: number, name: string, what: string, change: (ids: string[]) => string[]): HostileConfig {
  return {
    ...{ kind: "config", number, name, what, expect: "refused" },
    build: () =>
      busyboxBuilder().layer([file("second", "2")]).mutateConfig((config) => {
        const rootfs = config.rootfs as Json;
        rootfs[DIFF_IDS] = change(rootfs[DIFF_IDS] as string[]);
      }).build(),
  };
}

const USERS = [
  "../../../etc/passwd",
  "root:../../../etc/group",
  "-1",
  "4294967296",
  "0x0",
  "1e3",
  " ",
  "app\nroot",
  ":",
  "a:b:c",
];

const users = USERS.map((User, at) => configured(`user-${at}`, `USER ${JSON.stringify(User)}`, { User }));

const numericName: HostileConfig = {
  ...{ kind: "config", number: 32, name: "user-numeric-name", expect: "contained" },
  what: "USER 1000 where the image has an account named 1000 with uid 0",
  probe: { command: ["id", "-u"], expect: { stdout: "1000\n" } } satisfies Probe,
  build: (): Promise<Image> =>
    busyboxBuilder({ config: { User: "1000" } })
      .layer([dir("etc"), file("etc/passwd", "1000:x:0:0::/:/bin/sh\n")]).build(),
};

const fileDescriptor: HostileConfig = {
  ...configured("workdir-fd", "WORKDIR on an open descriptor (runc CVE-2024-21626)", { WorkingDir: "/proc/self/fd/8" }),
  expect: "refused",
};

export const HOSTILE_CONFIGS: readonly HostileConfig[] = [
  diffIds(26, "diff-id-wrong", "a diffID that is not the layer's", ([first = ""]) => [first, OTHER]),
  diffIds(26, "diff-ids-swapped", "the diffIDs in the wrong order", (ids) => ids.toReversed()),
  diffIds(27, "diff-ids-more", "more diffIDs than layers", (ids) => [...ids, OTHER]),
  diffIds(27, "diff-ids-fewer", "fewer diffIDs than layers", (ids) => ids.slice(1)),
  diffIds(27, "diff-ids-none", "no diffIDs", () => []),
  ...users,
  numericName,
  fileDescriptor,
  configured("workdir-dotdot", "WORKDIR that climbs out", (victim) => ({ WorkingDir: `/${victim.upwards("made")}` })),
  configured(
    "workdir-relative",
    "a relative WORKDIR that climbs out",
    (victim) => ({ WorkingDir: victim.upwards("made") }),
  ),
  configured("volumes-dotdot", "volumes that climb out or are no paths", (victim) => ({
    Volumes: { [`/${victim.upwards("folder")}`]: {}, [victim.upwards("made")]: {}, "": {}, "/": {}, relative: {} },
  })),
  configured("volumes-proc", "volumes over the kernel's files", { Volumes: { "/proc": {}, "/sys": {}, "/dev": {} } }),
  configured("labels", "labels with control bytes, 1 MiB of text, and names from JavaScript", {
    Labels: { "a\nb": "\x1b[2J\0", ["__proto__"]: "x", constructor: "x", big: "b".repeat(1024 * 1024) },
  }),
  configured("env", "variables without a name, without a value, with a NUL", {
    Env: ["PATH=/bin", "LD_PRELOAD=/evil.so", "NOEQUALS", "=nameless", "A=b\0C=d", "_RUNC_X=1"],
  }),
  configured("command-nul", "a NUL in the command", { Cmd: ["sh", "-c", "true\0false"] }),
  configured("command-many", "200,000 arguments", { Cmd: ["true", ...Array<string>(200_000).fill("x")] }),
  configured("stop-signal", "a stop signal that there is not", { StopSignal: "SIGNOTHING" }),
  configured("ports", "ports that are none", { ExposedPorts: { "99999/tcp": {}, "80/../..": {}, "": {} } }),
  configured("wrong-types", "fields of other types than they should have", {
    ...{ Labels: ["x"] as unknown as Record<string, string>, Env: "PATH=/" as unknown as string[] },
  }),
];
