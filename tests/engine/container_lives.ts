/**
 * Containers that come and go, as far as a test knows it: lanes of requests, one after another in each, and what was answered.
 */
import { Answered } from "./answered.ts";
import type { Rig } from "./rig.ts";

/** What an answered request promises of a container. */
export interface Promised {
  /** Undefined while it is being changed. */
  readonly restart?: string;
  readonly volume: string;
}

/** How many of a lane's containers are there at once. */
const KEPT = 2;

/** See the module's comment. */
export class ContainerLives {
  readonly #rig: Pick<Rig, "engine" | "image">;
  /** By name: created for sure, and nothing has been asked since that takes it away. */
  readonly #containers = new Map<string, Promised>();
  readonly #volumes = new Set<string>();
  readonly #requests: Answered;
  #isOver = false;

  constructor(rig: Pick<Rig, "engine" | "image">) {
    this.#rig = rig;
    this.#requests = new Answered(rig.engine);
  }

  /** Requests that were answered. */
  get answered(): number {
    return this.#requests.count;
  }

  get containers(): ReadonlyMap<string, Promised> {
    return this.#containers;
  }

  get volumes(): ReadonlySet<string> {
    return this.#volumes;
  }

  /** Runs so many lanes until `end` is called. */
  async run(lanes: number): Promise<void> {
    const steps = [(name: string) => this.#byApi(name), (name: string) => this.#byExecutable(name)];
    await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
      const alive: string[] = [];
      for (let turn = 0; !this.#isOver; turn++) {
        // The executable takes its time.
        const step = lane === 0 ? steps[1]! : steps[0]!;
        alive.push(await step(`lane${lane}-${turn}`));
        if (alive.length > KEPT) await this.#remove(alive.shift()!);
      }
    }));
  }

  end(): void {
    this.#isOver = true;
  }

  /** Gives the name that it has at last. */
  async #byApi(first: string): Promise<string> {
    const name = `${first}-renamed`;
    const volume = `${first}-volume`;
    const renamed = `${first}-data`;
    await this.#requests.ask("POST", "/volumes/create", { Name: volume });
    await this.#requests.ask("POST", `/tsd/volumes/${volume}/rename?name=${renamed}`);
    this.#volumes.add(renamed);
    const HostConfig = { NetworkMode: "none", Binds: [`${renamed}:/data`] };
    await this.#create(first, { HostConfig, Volumes: { "/anonymous": {} } });
    const promised = { restart: "no", volume: renamed };
    this.#containers.set(first, promised);
    await this.#requests.ask("POST", `/containers/${first}/start`);
    const gone = `${first}-gone`;
    await this.#create(gone, { HostConfig: { ...HostConfig, AutoRemove: true }, Cmd: ["true"] });
    await this.#requests.ask("POST", `/containers/${gone}/start`);
    this.#containers.delete(first);
    await this.#requests.ask("POST", `/containers/${first}/rename?name=${name}`);
    this.#containers.set(name, promised);
    await this.#requests.ask("POST", `/containers/${name}/stop?t=0`);
    this.#containers.set(name, { volume: renamed });
    await this.#requests.ask("POST", `/containers/${name}/update`, { RestartPolicy: { Name: "unless-stopped" } });
    this.#containers.set(name, { ...promised, restart: "unless-stopped" });
    await this.#requests.ask("POST", `/containers/${name}/start`);
    return name;
  }

  async #byExecutable(name: string): Promise<string> {
    const renamed = `${name}-renamed`;
    const volume = `${name}-data`;
    const flags = ["--network", "none", "-v", `${volume}:/data`];
    await this.#requests.tsd("run", "-d", "--name", name, ...flags, this.#rig.image, "sleep", "1000");
    this.#volumes.add(volume);
    this.#containers.set(name, { restart: "no", volume });
    await this.#requests.tsd("run", "--rm", ...flags, this.#rig.image, "true");
    this.#containers.delete(name);
    await this.#requests.tsd("rename", name, renamed);
    this.#containers.set(renamed, { restart: "no", volume });
    this.#containers.set(renamed, { volume });
    await this.#requests.tsd("update", "--restart", "on-failure", renamed);
    this.#containers.set(renamed, { restart: "on-failure", volume });
    return renamed;
  }

  /** One that runs. */
  async #remove(name: string): Promise<void> {
    const { volume } = this.#containers.get(name)!;
    this.#containers.delete(name);
    await this.#requests.ask("DELETE", `/containers/${name}?force=1&v=1`);
    this.#volumes.delete(volume);
    await this.#requests.ask("DELETE", `/volumes/${volume}`);
  }

  async #create(name: string, more: Record<string, unknown>): Promise<void> {
    const body = { Image: this.#rig.image, Cmd: ["sleep", "1000"], ...more };
    await this.#requests.ask("POST", `/containers/create?name=${name}`, body);
  }
}
