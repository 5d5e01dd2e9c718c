/** Containers that are created and removed, and the state that a test expects of them. */
import { Lives } from "./lifecycle.ts";
import type { Setup } from "./setup.ts";

/** The state of a container that an answered request guarantees. */
export interface Promised {
  /** Undefined while an update is in progress. */
  readonly restart?: string;
  readonly volume: string;
}

/** The number of containers that a lane keeps. */
const KEPT = 2;

/** Creates and removes containers, and records which of them must exist. */
export class ContainerLives extends Lives {
  readonly #setup: Pick<Setup, "engine" | "image">;
  /** By name: containers whose creation was answered, and whose removal has not been requested. */
  readonly #containers = new Map<string, Promised>();
  readonly #volumes = new Set<string>();

  constructor(setup: Pick<Setup, "engine" | "image">) {
    super(setup.engine, KEPT);
    this.#setup = setup;
  }

  get containers(): ReadonlyMap<string, Promised> {
    return this.#containers;
  }

  get volumes(): ReadonlySet<string> {
    return this.#volumes;
  }

  protected make(lane: number, turn: number): Promise<string> {
    const name = `lane${lane}-${turn}`;
    // The executable is slower, so only one lane uses it.
    return lane === 0 ? this.#byExecutable(name) : this.#byApi(name);
  }

  async #byApi(first: string): Promise<string> {
    const name = `${first}-renamed`;
    const volume = `${first}-volume`;
    const renamed = `${first}-data`;
    await this.ask("POST", "/volumes/create", { Name: volume });
    await this.ask("POST", `/tsd/volumes/${volume}/rename?name=${renamed}`);
    this.#volumes.add(renamed);
    const HostConfig = { NetworkMode: "none", Binds: [`${renamed}:/data`] };
    await this.#create(first, { HostConfig, Volumes: { "/anonymous": {} } });
    const promised = { restart: "no", volume: renamed };
    this.#containers.set(first, promised);
    await this.ask("POST", `/containers/${first}/start`);
    const removed = `${first}-gone`;
    await this.#create(removed, { HostConfig: { ...HostConfig, AutoRemove: true }, Cmd: ["true"] });
    await this.ask("POST", `/containers/${removed}/start`);
    this.#containers.delete(first);
    await this.ask("POST", `/containers/${first}/rename?name=${name}`);
    this.#containers.set(name, promised);
    await this.ask("POST", `/containers/${name}/stop?t=0`);
    this.#containers.set(name, { volume: renamed });
    await this.ask("POST", `/containers/${name}/update`, { RestartPolicy: { Name: "unless-stopped" } });
    this.#containers.set(name, { ...promised, restart: "unless-stopped" });
    await this.ask("POST", `/containers/${name}/start`);
    return name;
  }

  async #byExecutable(name: string): Promise<string> {
    const renamed = `${name}-renamed`;
    const volume = `${name}-data`;
    const flags = ["--network", "none", "-v", `${volume}:/data`];
    await this.tsd("run", "-d", "--name", name, ...flags, this.#setup.image, "sleep", "1000");
    this.#volumes.add(volume);
    this.#containers.set(name, { restart: "no", volume });
    await this.tsd("run", "--rm", ...flags, this.#setup.image, "true");
    this.#containers.delete(name);
    await this.tsd("rename", name, renamed);
    this.#containers.set(renamed, { restart: "no", volume });
    this.#containers.set(renamed, { volume });
    await this.tsd("update", "--restart", "on-failure", renamed);
    this.#containers.set(renamed, { restart: "on-failure", volume });
    return renamed;
  }

  /** Removes a running container, and its volumes. */
  protected async remove(name: string): Promise<void> {
    const { volume } = this.#containers.get(name)!;
    this.#containers.delete(name);
    await this.ask("DELETE", `/containers/${name}?force=1&v=1`);
    this.#volumes.delete(volume);
    await this.ask("DELETE", `/volumes/${volume}`);
  }

  async #create(name: string, more: Record<string, unknown>): Promise<void> {
    const body = { Image: this.#setup.image, Cmd: ["sleep", "1000"], ...more };
    await this.ask("POST", `/containers/create?name=${name}`, body);
  }
}
