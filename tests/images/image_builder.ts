/** Builds images from layers and a configuration: config, manifest and blobs, as a registry stores them. */
import { bytesOf } from "./bytes.ts";
import { type Content, descriptorOf, memoryContent } from "./content.ts";
import { type Layer, type LayerOptions, type LayerSource, makeLayer } from "./layer.ts";
import { CONFIG_TYPES, type ImageFormat, INDEX_TYPES, MANIFEST_TYPES } from "./media_types.ts";
import type { TarEntry } from "./tar_entries.ts";

/** The content a registry needs so that one tag can be pulled. */
export interface ImageFiles {
  /** The manifest or index that the tag names. */
  readonly top: Content;
  /** Every other reachable manifest. */
  readonly manifests: readonly Content[];
  /** Configs and layers. */
  readonly blobs: readonly Content[];
}

/** An image for one platform; `top` is its manifest. */
export interface Image extends ImageFiles {
  readonly platform: Platform;
  readonly config: Content;
  readonly layers: readonly Layer[];
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** OCI image-spec v1.1 config.md, `config`; Docker's additions are allowed too. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<never, never>>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, Record<never, never>>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly [more: string]: unknown;
}

export interface BuilderOptions {
  readonly format?: ImageFormat;
  readonly platform?: Platform;
  /** RFC 3339; the default is fixed for reproducible digests. */
  readonly created?: string;
  /** Keeps layer blobs as files in this directory instead of memory. */
  readonly dir?: string;
}

export const CREATED = "2024-01-01T00:00:00Z";
export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A JSON object that a mutation may change. */
export type Json = Record<string, unknown>;

export class ImageBuilder {
  readonly #options: BuilderOptions;
  readonly #layers: (() => Layer | Promise<Layer>)[] = [];
  #config: ContainerConfig = { Env: [DEFAULT_PATH] };
  readonly #configMutations: ((config: Json) => void)[] = [];
  readonly #manifestMutations: ((manifest: Json) => void)[] = [];

  constructor(options: BuilderOptions = {}) {
    this.#options = options;
  }

  /** Adds a layer on top. */
  layer(entries: Iterable<TarEntry>, options: LayerOptions = {}): this {
    return this.layerFrom({ entries }, options);
  }

  /** Adds a layer on top, from entries or from the bytes of a tar. */
  layerFrom(source: LayerSource, options: LayerOptions = {}): this {
    const { format, dir } = this.#options;
    this.#layers.push(() => makeLayer(source, { format, dir, ...options }));
    return this;
  }

  /** Adds an existing layer on top. */
  addLayer(layer: Layer): this {
    this.#layers.push(() => layer);
    return this;
  }

  /** Sets fields of the `config` object of the image's configuration. */
  config(config: ContainerConfig): this {
    this.#config = { ...this.#config, ...config };
    return this;
  }

  /** Changes the configuration just before it is serialized. */
  mutateConfig(mutate: (config: Json) => void): this {
    this.#configMutations.push(mutate);
    return this;
  }

  /** Changes the manifest just before it is serialized. */
  mutateManifest(mutate: (manifest: Json) => void): this {
    this.#manifestMutations.push(mutate);
    return this;
  }

  async build(): Promise<Image> {
    const layers: Layer[] = [];
    for (const make of this.#layers) layers.push(await make());
    const format = this.#options.format ?? "oci";
    const platform = this.#options.platform ?? hostPlatform();
    const config = memoryContent(CONFIG_TYPES[format], bytesOf(JSON.stringify(this.#configOf(layers, platform))));
    const manifest: Json = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPES[format],
      config: descriptorOf(config),
      layers: layers.map((layer) => descriptorOf(layer.blob)),
    };
    for (const mutate of this.#manifestMutations) mutate(manifest);
    const top = memoryContent(MANIFEST_TYPES[format], bytesOf(JSON.stringify(manifest)));
    return { top, manifests: [], blobs: [config, ...layers.map((layer) => layer.blob)], platform, config, layers };
  }

  #configOf(layers: readonly Layer[], platform: Platform): Json {
    const created = this.#options.created ?? CREATED;
    const config: Json = {
      created,
      ...platform,
      config: this.#config,
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
      history: layers.map((_, at) => ({ created, created_by: `layer ${at}` })),
    };
    for (const mutate of this.#configMutations) mutate(config);
    return config;
  }
}

/** Returns the machine's platform in the image-spec's terms. */
export function hostPlatform(): Platform {
  return { os: "linux", architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64" };
}

/** Builds an index (or Docker manifest list) of images, in this order. `extra` descriptors are appended unchanged. */
export function indexOf(
  images: readonly Image[],
  options: { format?: ImageFormat; extra?: readonly Json[] } = {},
): ImageFiles {
  const mediaType = INDEX_TYPES[options.format ?? "oci"];
  const manifests = [
    ...images.map((image) => ({ ...descriptorOf(image.top), platform: image.platform })),
    ...options.extra ?? [],
  ];
  const top = memoryContent(mediaType, bytesOf(JSON.stringify({ schemaVersion: 2, mediaType, manifests })));
  return {
    top,
    manifests: images.flatMap((image) => [image.top, ...image.manifests]),
    blobs: images.flatMap((image) => image.blobs),
  };
}

/** Returns the image with another manifest (or index) text; media type and blobs stay. */
export function withTop<Files extends ImageFiles>(image: Files, text: string, mediaType = image.top.mediaType): Files {
  return { ...image, top: memoryContent(mediaType, bytesOf(text)) };
}
