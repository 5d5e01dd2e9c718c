/** The environment of all engines on which scenarios are played: a registry in place of Docker Hub, and its images. */
import { busyboxBuilder, file, type Image, ImageBuilder } from "../images/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";
import { removeTree } from "../images/test_cache.ts";

export interface Stage extends AsyncDisposable {
  readonly registry: ScriptedRegistry;
  /** For the files of the scenarios. */
  readonly dir: string;
  /** IDs that have a name. */
  readonly ids: Readonly<Record<string, string>>;
}

/** Creates the registry with Docker Hub's names: `busybox`, `tiny:1` and `tiny:2`, which share a layer. */
export async function setStage(): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(startScriptedRegistry());
  const dir = await Deno.makeTempDir({ prefix: "tsd-stage-" });
  undo.defer(() => removeTree(dir));
  const images: Readonly<Record<string, Image>> = {
    "busybox:latest": await busyboxBuilder().build(),
    "tiny:1": await tiny("1").build(),
    "tiny:2": await tiny("2").layer([file("more", "m".repeat(1000))]).build(),
  };
  const ids: Record<string, string> = {};
  for (const [name, image] of Object.entries(images)) {
    const [repo, tag] = name.split(":") as [string, string];
    registry.add(`library/${repo}`, tag, image);
    ids[hexOf(image.config.digest)] = `image ${name}`;
    ids[hexOf(image.top.digest)] = `manifest ${name}`;
    image.layers.forEach((layer, at) => {
      ids[hexOf(layer.blob.digest)] ??= `blob ${at} of ${name}`;
      ids[hexOf(layer.diffId)] ??= `layer ${at} of ${name}`;
    });
  }
  const owned = undo.move();
  return { registry, dir, ids, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An image without programs, with all fields that a configuration can have. */
function tiny(version: string): ImageBuilder {
  return new ImageBuilder().layer([file("data", "d".repeat(2345))]).config({
    User: "1000:1000",
    Env: ["PATH=/bin", `VERSION=${version}`],
    Entrypoint: ["/run-me"],
    Cmd: ["now", "and then"],
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    WorkingDir: "/srv",
    Labels: { tier: "front", version },
    StopSignal: "SIGINT",
  });
}

const hexOf = (digest: string): string => digest.replace(/^sha256:/, "");
