/**
 * Builds an image and uploads it, or writes it to disk:
 *
 *   deno run -A tests/images/main.ts push http://127.0.0.1:5000 demo/busybox:latest hostshell
 *   deno run -A tests/images/main.ts layout DIRECTORY busybox
 *   deno run -A tests/images/main.ts archive FILE.tar demo/busybox:latest busybox
 */
import { bigImage } from "./big.ts";
import { busyboxImage } from "./busybox.ts";
import { debianImage } from "./debian.ts";
import { writeDockerArchive } from "./docker_archive.ts";
import { featureImage } from "./features.ts";
import { hostShellImage } from "./host_shell.ts";
import type { Image } from "./image_builder.ts";
import { writeOciLayout } from "./oci_layout.ts";
import { pushImage } from "./push.ts";

/** The available images by name. */
const IMAGES: Readonly<Record<string, () => Promise<Image>>> = {
  busybox: () => busyboxImage(),
  hostshell: () => hostShellImage(),
  feature: async () => (await featureImage()).image,
  debian: async () => (await debianImage()).image,
  big: () => bigImage({ layers: 6, bytesPerLayer: 64 * 1024 * 1024, filesPerLayer: 2000 }),
};

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  async push([registryUrl, reference, name]) {
    const [repo, tag] = splitReference(required(reference, "REPO:TAG"));
    const image = await imageNamed(name);
    await pushImage(required(registryUrl, "REGISTRY_URL"), repo, tag, image);
    console.log(`${repo}:${tag} ${image.top.digest}`);
  },
  async layout([dir, name]) {
    await writeOciLayout(required(dir, "FOLDER"), await imageNamed(name));
  },
  async archive([path, reference, name]) {
    await writeDockerArchive(required(path, "FILE"), await imageNamed(name), [required(reference, "REPO:TAG")]);
  },
};

class UsageError extends Error {}

function splitReference(reference: string): [repo: string, tag: string] {
  const colon = reference.lastIndexOf(":");
  return colon < 0 ? [reference, "latest"] : [reference.slice(0, colon), reference.slice(colon + 1)];
}

function imageNamed(name: string | undefined): Promise<Image> {
  const make = IMAGES[required(name, "IMAGE")];
  if (!make) throw new UsageError(`no image ${name}: one of ${Object.keys(IMAGES).join(", ")}`);
  return make();
}

function required(argument: string | undefined, what: string): string {
  if (argument === undefined) throw new UsageError(`${what} is missing`);
  return argument;
}

if (import.meta.main) {
  const [verb = "", ...args] = Deno.args;
  try {
    const command = COMMANDS[verb];
    if (!command) throw new UsageError(`usage: main.ts ${Object.keys(COMMANDS).join("|")} …`);
    await command(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
