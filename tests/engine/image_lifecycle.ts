/** Images that come and go, each with a container over it for a moment, as far as a test knows it. */
import { file, ImageBuilder } from "../images/mod.ts";
import { Lives } from "./lifecycle.ts";
import type { Setup } from "./setup.ts";

/** How many of a lane's images are there at once. */
const KEPT = 1;
/** Layers of an image, and the files in each. */
const LAYERS = 2;
const FILES = 8;
const LINES = 1000;

/** Whether a container is one of those, by its names as the API lists them; they can't be started. */
export const isOfImageLives = (names: readonly string[]): boolean => names.some((name) => name.startsWith("/image"));

/** See the module's comment. */
export class ImageLives extends Lives {
  readonly #setup: Pick<Setup, "engine" | "registry">;
  readonly #images = new Set<string>();

  constructor(setup: Pick<Setup, "engine" | "registry">) {
    super(setup.engine, KEPT);
    this.#setup = setup;
  }

  /** Their references: pulled for sure, and nothing has been asked since that takes them away. */
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
