/** A small image whose only program is the machine's static busybox. */
import { GROUP, PASSWD } from "./accounts.ts";
import { type BuilderOptions, type ContainerConfig, DEFAULT_PATH, type Image, ImageBuilder } from "./image_builder.ts";
import type { LayerOptions } from "./layer.ts";
import { dir, file, hardLink, hostFile, type TarEntry } from "./tar_entries.ts";

export interface BusyboxOptions extends BuilderOptions, Pick<LayerOptions, "compression"> {
  readonly config?: ContainerConfig;
}

const BUSYBOX = "/bin/busybox";

/** Builds the image: one layer, every applet a hard link, Cmd `sh`. Needs the package busybox-static. */
export async function busyboxImage(options: BusyboxOptions = {}): Promise<Image> {
  return await busyboxBuilder(options).build();
}

/** Returns a builder of the same image, to add layers to. */
export function busyboxBuilder(options: BusyboxOptions = {}): ImageBuilder {
  return new ImageBuilder(options)
    .layer(busyboxEntries(), { compression: options.compression })
    .config({ Env: [DEFAULT_PATH], Cmd: ["sh"], ...options.config });
}

/** Returns the layer's entries. */
export function busyboxEntries(): TarEntry[] {
  const applets = appletPaths();
  const dirs = new Set(["bin", "sbin", "usr", "usr/bin", "usr/sbin", ...applets.map(parentOf)]);
  dirs.delete("");
  return [
    ...[...dirs].sort().map((directory) => dir(directory)),
    ...["dev", "etc", "home", "proc", "sys", "var", "var/spool"].map((directory) => dir(directory)),
    dir("home/app", { uid: 1000, gid: 1000 }),
    dir("root", { mode: 0o700 }),
    dir("tmp", { mode: 0o1777 }),
    file("etc/passwd", PASSWD),
    file("etc/group", GROUP),
    hostFile("bin/busybox", BUSYBOX),
    ...applets.map((path) => hardLink(path, "bin/busybox", { mode: 0o755 })),
  ];
}

/** Returns the applets' paths according to busybox: "bin/ls", "usr/bin/env", … and "bin/sh" always. */
function appletPaths(): string[] {
  const listed = new Deno.Command(BUSYBOX, { args: ["--list-full"] }).outputSync();
  if (!listed.success) throw new Error(`${BUSYBOX} --list-full failed`);
  const paths = new TextDecoder().decode(listed.stdout).split("\n").filter((path) => path !== "");
  return [...new Set(["bin/sh", ...paths])].filter((path) => path !== "bin/busybox").sort();
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
