/**
 * @module
 * Prunes volumes that no container refers to: anonymous ones, or all of them. As in Docker, data outside the volume
 * directory that a volume's options mount is not removed.
 */
import { isTsdError } from "../../errors.ts";
import { isAnonymous } from "../model/volume_names.ts";
import type { VolumeService, VolumeUser } from "../volumes/volume_service.ts";
import type { VolumeTable } from "../volumes/volume_table.ts";
import type { VolumeUsage } from "../volumes/volume_usage.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

export interface VolumePrunerDeps {
  readonly table: Pick<VolumeTable, "known">;
  readonly usage: Pick<VolumeUsage, "own" | "bytesOf">;
  readonly volumes: Pick<VolumeService, "remove">;
  readonly usersOf: (name: string) => readonly VolumeUser[];
}

/** Finds and removes unused volumes. */
export class VolumePruner implements Pruner {
  readonly kind = "volume";
  readonly #deps: VolumePrunerDeps;

  constructor(deps: VolumePrunerDeps) {
    this.#deps = deps;
  }

  async find({ allVolumes = false, passes }: PruneSelection, { spared, going }: PruneFixture): Promise<PruneItem[]> {
    const { usage, usersOf } = this.#deps;
    const items: PruneItem[] = [];
    for (const volume of usage.own()) {
      const { name, createdMs, labels } = volume;
      const isUsed = usersOf(name).some(({ id }) => !going.has(id));
      if (isUsed || spared.has(name) || !(allVolumes || isAnonymous(volume))) continue;
      if (!passes({ createdMs, labels: labels ?? {} })) continue;
      const bytes = await usage.bytesOf(name) ?? 0;
      items.push({
        kind: this.kind,
        id: name,
        names: [name],
        labels: labels ?? {},
        why: "no container uses it",
        bytes,
      });
    }
    return items;
  }

  async remove({ id: name }: Pick<PruneItem, "id">): Promise<PruneResult> {
    const { table, usage, volumes, usersOf } = this.#deps;
    if (table.known(name) === undefined) return { kept: "it has gone already" };
    const bytes = await usage.bytesOf(name) ?? 0;
    try {
      await volumes.remove(name);
    } catch (thrown) {
      if (isTsdError(thrown, "not_found")) return { kept: "it has gone already" };
      if (!isTsdError(thrown, "conflict")) throw thrown;
      const [user] = usersOf(name);
      return { kept: user === undefined ? "it is being used just now" : `container ${user.name} uses it now` };
    }
    return { bytes };
  }
}
