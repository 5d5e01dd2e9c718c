/** The images of `bench pull`: real files of Debian packages. Creating them takes minutes and network; they are cached. */
import { capture } from "../../scripts/project.ts";
import {
  cached,
  type Compression,
  debianImage,
  type Image,
  ImageBuilder,
  type Layer,
  makeLayer,
  readOciLayout,
  writeOciLayout,
} from "../../tests/images/mod.ts";
import { removeTree } from "../../tests/images/test_cache.ts";
import { FORTY_PACKAGES, ONE_LAYER, SIX_LAYERS } from "./package_lists.ts";
import { withPackagesTar } from "./packages.ts";

/** Part of the cache key; raise it whenever this file or the package lists change the images. */
const RECIPE = 1;

export interface ImageInfo {
  readonly layers: number;
  /** Sum of the layers' blobs. */
  readonly compressedBytes: number;
  /** Sum of the layers' uncompressed tars. */
  readonly tarBytes: number;
  /** Files, directories and links. */
  readonly entries: number;
}

export interface PullImage {
  readonly image: Image;
  readonly info: ImageInfo;
  /** Paths of the layers' blobs. */
  readonly layerPaths: readonly string[];
}

type Recipe = (blobs: string) => Promise<Layer[]>;

const RECIPES = {
  six: async (blobs) => [
    (await debianImage()).image.layers[0]!,
    ...await packagesLayers(SIX_LAYERS, blobs),
  ],
  one: (blobs) => packagesLayers([ONE_LAYER], blobs),
  forty: (blobs) => packagesLayers(FORTY_PACKAGES.map((name) => [name]), blobs),
  zstd: async (blobs) => {
    const { image } = await pullImage("six");
    const layers: Layer[] = [];
    for (const layer of image.layers) layers.push(await layerIn(blobs, layer.openTar(), "zstd"));
    return layers;
  },
} as const satisfies Record<string, Recipe>;

export type PullImageName = keyof typeof RECIPES;

/** Returns an image from the test cache, creating it if necessary. Needs root. */
export async function pullImage(name: PullImageName): Promise<PullImage> {
  const dir = await cached(`pull-${name}-${Deno.build.arch}-v${RECIPE}`, (partial) => make(name, partial));
  const image = await readOciLayout(`${dir}/layout`);
  const info = JSON.parse(await Deno.readTextFile(`${dir}/facts.json`)) as ImageInfo;
  return { image, info, layerPaths: image.layers.map(({ blob }) => layerPath(dir, blob.digest)) };
}

async function make(name: PullImageName, dir: string): Promise<void> {
  console.error(`bench: making the image "${name}"; it stays in the test cache`);
  const blobs = `${dir}/blobs`;
  const layers = await RECIPES[name](blobs);
  const builder = new ImageBuilder().config({ Cmd: ["true"] });
  for (const layer of layers) builder.addLayer(layer);
  await writeOciLayout(`${dir}/layout`, await builder.build());
  await Deno.writeTextFile(`${dir}/facts.json`, JSON.stringify(await infoOf(layers, dir)));
  await removeTree(blobs);
}

const layerPath = (dir: string, digest: string): string => `${dir}/layout/blobs/${digest.replace(":", "/")}`;

async function packagesLayers(lists: readonly (readonly string[])[], blobs: string): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const packages of lists) {
    await withPackagesTar(packages, async (tar) => void layers.push(await layerIn(blobs, tar, "gzip")));
  }
  return layers;
}

function layerIn(dir: string, tar: AsyncIterable<Uint8Array>, compression: Compression): Promise<Layer> {
  return makeLayer({ tar }, { dir, compression });
}

async function infoOf(layers: readonly Layer[], dir: string): Promise<ImageInfo> {
  let [compressedBytes, tarBytes, entries] = [0, 0, 0];
  for (const { blob, openTar } of layers) {
    compressedBytes += blob.sizeBytes;
    for await (const chunk of openTar()) tarBytes += chunk.length;
    const { text } = await capture("tar", ["--list", "--file", layerPath(dir, blob.digest)]);
    entries += text.split("\n").length - 1;
  }
  return { layers: layers.length, compressedBytes, tarBytes, entries };
}
