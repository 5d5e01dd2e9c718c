/** Images that are pulled and removed, each with a short-lived container, and the state that a test expects of them. */
import { file, ImageBuilder } from "../images/mod.ts";
import { Lives } from "./lifecycle.ts";
import type { Setup } from "./setup.ts";

/** The number of images that a lane keeps. */
const KEPT = 1;
/** The number of an image's layers, and of the files in each. */
const LAYERS = 2;
const FILES = 8;
const LINES = 1000;

/** Reports whether a container, given by its names in the API's list, belongs to this test; it cannot be started. */
export const isOfImageLives = (names: readonly string[]): boolean => names.some((name) => name.startsWith("/image"));

/** Pulls and removes images, and records which of them must exist. */
export class ImageLives extends Lives {
  readonly #setup: Pick<Setup, "engine" | "registry">;
  readonly #images = new Set<string>();

  constructor(setup: Pick<Setup, "engine" | "registry">) {
    super(setup.engine, KEPT);
    this.#setup = setup;
  }

  /** References of images whose pull was answered, and whose removal has not been requested. */
  get images(): ReadonlySet<string> {
    return this.#images;
  }

  protected async make(lane: number, turn: number): Promise<string> {
    const name = `image${lane}-${turn}`;
    const builder = new ImageBuilder();
    for (let layer = 0; layer < LAYERS; layer++) {
      builder.layer(Array.from({ length: FILES }, (_, n) => file(`${layer}-${n}`, `${name} ${n}\n`.repeat(LINES))));
    }
    const image = this.#setup.registry.add(name, "1", await builder.config({ Cmd: ["/none"] }).build());
    await this.ask("POST", `/images/create?fromImage=${encodeURIComponent(image)}`);
    this.#images.add(image);
    const body = { Image: image, HostConfig: { NetworkMode: "none" } };
    await this.ask("POST", `/containers/create?name=${name}`, body);
    await this.ask("DELETE", `/containers/${name}`);
    return image;
  }

  protected async remove(image: string): Promise<void> {
    this.#images.delete(image);
    await this.ask("DELETE", `/images/${image}`);
  }
}
