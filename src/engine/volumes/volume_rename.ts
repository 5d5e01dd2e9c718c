/**
 * @module
 * A volume under another name. Its row and its folder change together: what was begun is written down first, so that an
 * engine that is killed in between leaves nothing that the next one can't finish.
 */
import { TsdError } from "../../errors.ts";
import { syncDir, writeSynced } from "../../io/mod.ts";
import type { EventIntent } from "../events/event_bus.ts";
import type { VolumeEvents } from "../events/volume_events.ts";
import { namesIn } from "../directories.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import { checkVolumeName } from "../model/volume_names.ts";
import type { VolumeService } from "./volume_service.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface VolumeRenamerDeps {
  readonly paths: EnginePaths;
  readonly table: VolumeTable;
  readonly volumes: Pick<VolumeService, "requireUnused">;
  readonly events: VolumeEvents;
  /** By volume; shared with whoever makes and removes volumes. */
  readonly locks: KeyedLock;
}

/** What files begin with that name a volume's former name: no volume can have such a name. */
const RENAMED = ".renamed-";

/** See the module's comment. */
export class VolumeRenamer {
  readonly #deps: VolumeRenamerDeps;

  constructor(deps: VolumeRenamerDeps) {
    this.#deps = deps;
  }

  /** @throws {TsdError} not_found, invalid_argument, name_in_use, conflict: a container refers to it */
  async rename(name: string, newName: string): Promise<void> {
    const { table, volumes, events, locks } = this.#deps;
    table.find(name);
    checkVolumeName(newName);
    if (name === newName) throw new TsdError("invalid_argument", `rename ${name}: that is its name already`);
    // In an order, so that two renames never wait for each other.
    const [first, second] = [name, newName].sort() as [string, string];
    await locks.run(first, () =>
      locks.run(second, async () => {
        const volume = table.find(name);
        if (table.known(newName) !== undefined) {
          throw new TsdError("name_in_use", `rename ${name}: there is a volume ${newName} already`);
        }
        if ((await namesIn(volumePaths(this.#deps.paths, newName).dir)).length > 0) {
          throw new TsdError("name_in_use", `rename ${name}: there is a folder ${newName} that no volume has`);
        }
        volumes.requireUnused(name, "rename");
        const note = `${this.#all}/${RENAMED}${newName}`;
        // Synced, or a power cut could leave a note that says nothing.
        await writeSynced(note, new TextEncoder().encode(name), 0o600);
        let intent!: EventIntent;
        table.rename(volume, newName, (trace) => intent = events.intend("rename", newName, { oldName: name }, trace));
        await this.#move(name, newName);
        await Deno.remove(note);
        intent.publish();
      }));
  }

  /** Finishes what an engine that was killed had begun. */
  async finish(): Promise<void> {
    const { table, paths } = this.#deps;
    for (const file of (await namesIn(this.#all)).filter((each) => each.startsWith(RENAMED))) {
      const newName = file.slice(RENAMED.length);
      const name = await Deno.readTextFile(`${this.#all}/${file}`);
      const isMoved = (await namesIn(volumePaths(paths, newName).dir)).length > 0;
      if (table.known(newName) !== undefined && table.known(name) === undefined && !isMoved) {
        await this.#move(name, newName);
      }
      await Deno.remove(`${this.#all}/${file}`);
    }
  }

  get #all(): string {
    return volumePaths(this.#deps.paths, "").all;
  }

  async #move(name: string, newName: string): Promise<void> {
    const { paths } = this.#deps;
    await Deno.rename(volumePaths(paths, name).dir, volumePaths(paths, newName).dir);
    await syncDir(this.#all);
  }
}
